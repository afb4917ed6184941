import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { SummedWarnings } from "./summed_warnings.ts";
import { keepLog } from "./testing/ledgers.ts";

const LINE = "action: accept | result: fail | error: no files";

Deno.test("SummedWarnings.warn() logs at once, then one line per interval with the number", () => {
  using time = new FakeTime();
  const { log, lines } = keepLog();
  using warnings = new SummedWarnings(log);
  for (let count = 0; count < 1000; count++) warnings.warn("accept", "no files");
  assertEquals(lines, [LINE]);
  time.tick(10_000);
  assertEquals(lines, [LINE, `${LINE} | times: 999`]);
  warnings.warn("accept", "no files");
  warnings.warn("accept", "another reason");
  assertEquals(lines.slice(2), ["action: accept | result: fail | error: another reason"]);
  time.tick(10_000);
  assertEquals(lines.slice(3), [`${LINE} | times: 1`]);
});

Deno.test("SummedWarnings.warn() logs at once again after a quiet interval", () => {
  using time = new FakeTime();
  const { log, lines } = keepLog();
  using warnings = new SummedWarnings(log);
  warnings.warn("accept", "no files");
  time.tick(10_000);
  warnings.warn("accept", "no files");
  assertEquals(lines, [LINE, LINE]);
});

Deno.test("SummedWarnings logs what is left when it is disposed", () => {
  const { log, lines } = keepLog();
  {
    using warnings = new SummedWarnings(log);
    for (let count = 0; count < 3; count++) warnings.warn("accept", "no files");
  }
  assertEquals(lines, [LINE, `${LINE} | times: 2`]);
});
