import { assertEquals, assertThrows } from "@std/assert";
import { FatalLedgerError } from "../fatal_error.ts";
import { planRecovery, readRecovered } from "./log_recovery.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const record = (from: number, text: string) => ({
  lottery: "",
  epoch: 1,
  from,
  rows: encode(text),
});

/** The text of a file after recovery, and what is left out of it. */
function recovered(file: string, options: Omit<Parameters<typeof planRecovery>[0], "size">) {
  const bytes = encode(file);
  const plan = planRecovery({ size: bytes.length, ...options });
  const read = readRecovered((into, position) => {
    const part = bytes.subarray(position, position + Math.min(into.length, 3));
    into.set(part);
    return part.length;
  }, plan);
  const text = new Uint8Array(plan.size);
  for (let at = 0; at < text.length;) {
    const count = read(text.subarray(at), at);
    if (count === 0) throw new Error(`nothing at ${at}`);
    at += count;
  }
  const leftOut = plan.leftOut.map(({ from, to }) => file.slice(from, to));
  return { text: new TextDecoder().decode(text), leftOut };
}

Deno.test("planRecovery() takes rounds from the logs in the order of their positions", () => {
  const records = [record(6, "cc\n"), record(3, "bb\n"), record(9, "dd\n")];
  for (
    const file of ["aa\n", "aa\nb", "aa\nbb\ncc\ndd\n", "aa\n\0\0\0cc\n", "aa\n\0\0\0\0\0\0\0\0\0"]
  ) {
    assertEquals(recovered(file, { durableSize: 3, records }), {
      text: "aa\nbb\ncc\ndd\n",
      leftOut: [],
    });
  }
});

Deno.test("planRecovery() leaves out what no log holds, and moves up what follows", () => {
  const records = [record(6, "cc\n"), record(12, "ee\n")];
  assertEquals(recovered("aa\nbb\ncc\ndd\nee\nff", { durableSize: 3, records }), {
    text: "aa\ncc\nee\n",
    leftOut: ["bb\n", "dd\n", "ff"],
  });
  // Of a round that is missing in the file too, nothing is left to leave out.
  assertEquals(recovered("aa\n", { durableSize: 3, records }), {
    text: "aa\ncc\nee\n",
    leftOut: [],
  });
});

Deno.test("planRecovery() keeps rows of other programs where it may", () => {
  assertEquals(recovered("aa\nbb\nc", { durableSize: 3, records: [], keptTo: 6 }), {
    text: "aa\nbb\n",
    leftOut: ["c"],
  });
  const records = [record(6, "cc\n")];
  assertEquals(recovered("aa\nbb\n\0\0\0dd\n", { durableSize: 3, records, keptTo: 12 }), {
    text: "aa\nbb\ncc\ndd\n",
    leftOut: [],
  });
});

Deno.test("planRecovery() needs no record below the checkpoint, and throws where records contradict", () => {
  const records = [record(0, "xx\n"), record(3, "bb\n")];
  assertEquals(recovered("aa\n", { durableSize: 3, records }).text, "aa\nbb\n");
  for (const from of [1, 2, 4]) {
    const both = [record(3, "bb\n"), record(from, "cccc\n")];
    assertThrows(() => recovered("aa\n", { durableSize: 3, records: both }), FatalLedgerError);
  }
});
