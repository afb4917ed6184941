import { assertEquals } from "@std/assert";
import { AppendWatch } from "./append_watch.ts";

const encoder = new TextEncoder();
const append = (reply: string, kind: string) =>
  encoder.encode(
    `HPUB bets.1 ${reply} 64 70\r\nNATS/1.0\r\nLottery-Id: x\r\nLottery-Kind: ${kind}\r\n\r\n1,Ana\n\r\n`,
  );
const answer = (reply: string, text: string) =>
  encoder.encode(`MSG ${reply} 1 ${text.length}\r\n${text}\r\n`);
const STORED = '{"stream":"BETS_0","seq":7}';

Deno.test("AppendWatch counts acknowledgements of bets that are lost, and no others", () => {
  const watch = new AppendWatch();
  for (const reply of ["a", "b", "c"]) watch.note("server", append(reply, "bets"), false);
  watch.note("server", append("d", "mark"), false);
  watch.note("node", answer("a", STORED), false);
  watch.note("node", answer("b", '{"error":{"err_code":10071}}'), true);
  watch.note("node", answer("d", STORED), true);
  assertEquals([watch.appends, watch.lost], [3, 0]);
  watch.note("node", answer("c", STORED), true);
  assertEquals([watch.appends, watch.lost], [3, 1]);
});

Deno.test("AppendWatch reads messages that arrive byte by byte", () => {
  const watch = new AppendWatch();
  for (const byte of append("a", "bets")) watch.note("server", Uint8Array.of(byte), false);
  for (const byte of answer("a", STORED)) watch.note("node", Uint8Array.of(byte), true);
  assertEquals([watch.appends, watch.lost], [1, 1]);
});
