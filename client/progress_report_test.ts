import { assert, assertEquals } from "@std/assert";
import { formatBar, ProgressBar, ProgressLines } from "./progress_report.ts";
import { testLog } from "./testing/test_log.ts";

Deno.test("formatBar() fits the columns of the terminal", () => {
  const state = { agency: 1, stored: 500, total: 1000, betsPerSecond: 12345 };
  assertEquals(
    formatBar(state, { columns: 60 }),
    "agency 1 [##########-----------] 50% 500/1000 bets, 12345/s",
  );
  for (let columns = 0; columns < 200; columns++) {
    for (const stored of [0, 1, 999, 1000]) {
      const line = formatBar({ ...state, stored }, { columns });
      assert(line.length <= Math.max(0, columns - 1), line);
    }
  }
});

Deno.test("formatBar() shows 100 % if there are no bets", () => {
  const line = formatBar({ agency: 1, stored: 0, total: 0, betsPerSecond: 0 }, { columns: 80 });
  assert(line.includes("100% 0/0 bets"), line);
});

/** Returns a bar on a terminal that records what is written, and a clock for the test to advance. */
function setUp(total: number) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const terminal = { write: (text: string) => void written.push(text), columns: () => 80 };
  const bar = new ProgressBar(terminal, { agency: 1, total, now: () => clock.ms });
  return { bar, clock, written };
}

Deno.test("ProgressBar.update() draws at most every 100 ms", () => {
  const { bar, clock, written } = setUp(1000);
  for (clock.ms = 0; clock.ms < 1000; clock.ms++) bar.update(clock.ms);
  assertEquals(written.length, 10);
  assert(written.every((text) => text.startsWith("\r\x1b[K")));
  assert(written.at(-1)!.includes("1000/s"), written.at(-1));
});

Deno.test("ProgressBar.hide() clears the line once, until the next update draws the bar again", () => {
  const { bar, clock, written } = setUp(10);
  bar.update(1);
  bar.hide();
  bar.hide();
  assertEquals(written.slice(1), ["\r\x1b[K"]);
  clock.ms = 100;
  bar.update(2);
  assertEquals(written.length, 3);
});

Deno.test("ProgressBar.end() draws the last state once and ends the line", () => {
  const { bar, written } = setUp(10);
  bar.update(1);
  bar.update(10);
  bar.end();
  bar.end();
  assert(written[1].includes("100% 10/10"), written[1]);
  assertEquals(written.slice(2), ["\n"]);
});

Deno.test("ProgressLines.update() logs every five seconds", () => {
  const { log, lines } = testLog();
  const clock = { ms: 0 };
  const progress = new ProgressLines(log, { agency: 1, total: 12_000, now: () => clock.ms });
  for (; clock.ms < 12_000; clock.ms += 10) progress.update(clock.ms);
  progress.end();
  assertEquals(lines, [
    "INFO     action: apuestas_enviadas | result: in_progress | agency: 1 | cantidad: 5000 | total: 12000 | bets_per_second: 1000",
    "INFO     action: apuestas_enviadas | result: in_progress | agency: 1 | cantidad: 10000 | total: 12000 | bets_per_second: 1000",
  ]);
});
