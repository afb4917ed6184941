import { assert, assertEquals, assertFalse } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  type ByteSink,
  CLIENT_LEVELS,
  type Details,
  formatAction,
  LineWriter,
  openLog,
  SERVER_LEVELS,
} from "./logging.ts";

/** 10:00:05 on 23 November 2026, local time. */
const MOMENT_MS = new Date(2026, 10, 23, 10, 0, 5).getTime();

function logLines(levels: typeof SERVER_LEVELS | typeof CLIENT_LEVELS, level: string): string[] {
  const lines: string[] = [];
  const log = openLog({ levels, level, sink: (line) => lines.push(line), now: () => MOMENT_MS });
  log.debug("d", "in_progress");
  log.info("i", "success", { agency: 1, cantidad: 26936 });
  log.warning("w", "fail");
  log.error("e", "fail", { reason: "disk is full" });
  log.critical("c", "fail");
  return lines;
}

Deno.test("openLog() writes lines with a server's levels", {
  permissions: "none",
}, () => {
  assertEquals(logLines(SERVER_LEVELS, "NOTSET"), [
    "2026-11-23 10:00:05 DEBUG    action: d | result: in_progress",
    "2026-11-23 10:00:05 INFO     action: i | result: success | agency: 1 | cantidad: 26936",
    "2026-11-23 10:00:05 WARNING  action: w | result: fail",
    "2026-11-23 10:00:05 ERROR    action: e | result: fail | reason: disk is full",
    "2026-11-23 10:00:05 CRITICAL action: c | result: fail",
  ]);
});

Deno.test("openLog() writes lines with a client's levels", {
  permissions: "none",
}, () => {
  assertEquals(logLines(CLIENT_LEVELS, "debug"), [
    "2026-11-23 10:00:05 DEBUG    action: d | result: in_progress",
    "2026-11-23 10:00:05 INFO     action: i | result: success | agency: 1 | cantidad: 26936",
    "2026-11-23 10:00:05 WARN     action: w | result: fail",
    "2026-11-23 10:00:05 ERROR    action: e | result: fail | reason: disk is full",
    "2026-11-23 10:00:05 FATAL    action: c | result: fail",
  ]);
});

Deno.test("openLog() writes lines of its level and above", { permissions: "none" }, () => {
  const expected: [string, string][] = [["NOTSET", "diwec"], ["DEBUG", "diwec"], ["INFO", "iwec"]];
  expected.push(["WARNING", "wec"], ["ERROR", "ec"], ["CRITICAL", "c"]);
  for (const [level, actions] of expected) {
    assertEquals(actionsOf(logLines(SERVER_LEVELS, level)), actions, level);
  }
  assertEquals(expected.map(([level]) => level), Object.keys(SERVER_LEVELS));
  const clients: [string, string][] = [["debug", "diwec"], ["info", "iwec"], ["warn", "wec"]];
  clients.push(["error", "ec"], ["fatal", "c"]);
  for (const [level, actions] of clients) {
    assertEquals(actionsOf(logLines(CLIENT_LEVELS, level)), actions, level);
  }
  assertEquals(clients.map(([level]) => level), Object.keys(CLIENT_LEVELS));
});

function actionsOf(lines: string[]): string {
  return lines.map((line) => /action: (.)/.exec(line)?.[1]).join("");
}

Deno.test("openLog() reads the clock for each line and pads the time with zeros", {
  permissions: "none",
}, () => {
  using time = new FakeTime(new Date(2027, 0, 2, 3, 4, 5).getTime());
  const lines: string[] = [];
  const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: (line) => lines.push(line) });
  log.info("config", "success");
  time.tick(1000);
  log.info("config", "success");
  assertEquals(lines, [
    "2027-01-02 03:04:05 INFO     action: config | result: success",
    "2027-01-02 03:04:06 INFO     action: config | result: success",
  ]);
});

Deno.test("formatAction() writes details unchanged and in order", {
  permissions: "none",
}, () => {
  const details = { documentos: "30876370;24807259", first: "José %s", last: 'O"x\\', done: true };
  assertEquals(
    formatAction("consulta_ganadores", "success", details),
    `action: consulta_ganadores | result: success | documentos: 30876370;24807259 | first: José %s | last: O"x\\ | done: true`,
  );
  assertEquals(formatAction("a", "fail", { value: "" }), "action: a | result: fail | value: ");
});

Deno.test("formatAction() escapes what could break the line or forge a field", {
  permissions: "none",
}, async (t) => {
  const table: Record<string, [value: string, shown: string]> = {
    "a line end": ["a\nb", '"a\\nb"'],
    "a carriage return": ["a\rb", '"a\\rb"'],
    "an escape sequence": ["\x1b[31m", '"\\u001b[31m"'],
    "a NUL": ["\0", '"\\u0000"'],
    "a DEL": ["a\x7f", '"a\\u007f"'],
    "a next line": ["a\x85b", '"a\\u0085b"'],
    "a line separator": ["a\u2028b", '"a\\u2028b"'],
    "a paragraph separator": ["a\u2029b", '"a\\u2029b"'],
    "another field": ["x | result: success", '"x \\u007c result: success"'],
    "a quote and a line end": ['"\n', '"\\"\\n"'],
    "a bidirectional control": ["a\u202eb", '"a\\u202eb"'],
    "a bidirectional isolate": ["a\u2066b", '"a\\u2066b"'],
    "a zero-width space": ["a\u200bb", '"a\\u200bb"'],
    "a word joiner": ["a\u2060b", '"a\\u2060b"'],
    "an Arabic letter mark": ["a\u061cb", '"a\\u061cb"'],
    "a byte order mark": ["\ufeffa", '"\\ufeffa"'],
    "an invisible tag": ["a\u{e0041}", '"a\\udb40\\udc41"'],
  };
  for (const [name, [value, shown]] of Object.entries(table)) {
    await t.step(name, () => {
      const line = formatAction("a", "fail", { value } satisfies Details);
      assertEquals(line, `action: a | result: fail | value: ${shown}`);
      assertEquals(JSON.parse(shown), value, "an escaped value can be parsed");
      assertEquals(line.split("|").length, 3);
    });
  }
});

/** A sink that holds each write until the test says how many bytes it takes. */
class HeldSink implements ByteSink {
  readonly writes: { text: string; take: (count: number) => void; fail: () => void }[] = [];

  write(bytes: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const fail = () => reject(new Deno.errors.BrokenPipe("nobody reads"));
    this.writes.push({ text: new TextDecoder().decode(bytes), take: resolve, fail });
    return promise;
  }

  /** Waits for write number `index` and returns it. */
  async at(index: number) {
    for (let turn = 0; turn < 100 && this.writes.length <= index; turn++) await Promise.resolve();
    return this.writes[index];
  }

  /** Takes all bytes of write number `index`. */
  async takeAll(index: number): Promise<string> {
    const { text, take } = await this.at(index);
    take(new TextEncoder().encode(text).length);
    return text;
  }
}

Deno.test("LineWriter.write() writes the lines of a moment together, in order", {
  permissions: "none",
}, async () => {
  const sink = new HeldSink();
  const writer = new LineWriter(sink);
  writer.write("one");
  writer.write("dós");
  assertEquals(sink.writes.length, 0);
  assertEquals(await sink.takeAll(0), "one\ndós\n");
  await writer.flush(1000);
  assertEquals(sink.writes.length, 1);
});

Deno.test("LineWriter.write() keeps lines while a slow sink writes", {
  permissions: "none",
}, async () => {
  const sink = new HeldSink();
  const writer = new LineWriter(sink);
  writer.write("one");
  const { take } = await sink.at(0);
  writer.write("two");
  writer.write("three");
  assertEquals(sink.writes.length, 1);
  take(4);
  assertEquals(await sink.takeAll(1), "two\nthree\n");
  await writer.flush(1000);
  // It starts again after it was idle.
  writer.write("four");
  assertEquals(await sink.takeAll(2), "four\n");
  await writer.flush(1000);
});

Deno.test("LineWriter.write() continues after a partial write", {
  permissions: "none",
}, async () => {
  for (const countMax of [1, 2, 3, 7, 1000]) {
    const taken: number[] = [];
    const writer = new LineWriter({
      write(bytes) {
        taken.push(...bytes.subarray(0, countMax));
        return Promise.resolve(Math.min(countMax, bytes.length));
      },
    });
    for (const line of ["acción", "", "€😀", "end"]) writer.write(line);
    await writer.flush(1000);
    assertEquals(new TextDecoder().decode(Uint8Array.from(taken)), "acción\n\n€😀\nend\n");
  }
});

Deno.test("LineWriter.write() continues after a failed write", {
  permissions: "none",
}, async () => {
  const sink = new HeldSink();
  const writer = new LineWriter(sink);
  writer.write("lost");
  (await sink.at(0)).fail();
  await writer.flush(1000);
  writer.write("next");
  assertEquals(await sink.takeAll(1), "next\n");
  await writer.flush(1000);
  assertEquals(sink.writes.length, 2);
});

Deno.test("LineWriter.write() continues after a sink that throws synchronously", {
  permissions: "none",
}, async () => {
  let calls = 0;
  const writer = new LineWriter({
    write() {
      calls++;
      throw new Deno.errors.BadResource("closed");
    },
  });
  writer.write("lost");
  await writer.flush(1000);
  writer.write("lost too");
  await writer.flush(1000);
  assertEquals(calls, 2);
});

Deno.test("LineWriter.write() drops lines that nobody reads, and reports their number later", {
  permissions: "none",
}, async () => {
  const sink = new HeldSink();
  const writer = new LineWriter(sink, 3);
  writer.write("first");
  const { take } = await sink.at(0);
  for (let line = 1; line <= 10; line++) writer.write(`line ${line}`);
  take(6);
  assertEquals(
    await sink.takeAll(1),
    "line 1\nline 2\nline 3\n7 log lines were dropped: nobody read them in time\n",
  );
  await writer.flush(1000);
  writer.write("read again");
  assertEquals(await sink.takeAll(2), "read again\n");
  await writer.flush(1000);
});

Deno.test("LineWriter.write() limits its memory while nobody reads", {
  permissions: "none",
}, async () => {
  const sink = new HeldSink();
  const writer = new LineWriter(sink);
  writer.write("first");
  await sink.at(0);
  for (let line = 0; line < 100_000; line++) writer.write("x");
  (await sink.at(0)).take(6);
  assertEquals((await sink.at(1)).text.split("\n").length, 10_000 + 2);
});

Deno.test("LineWriter.flush() returns at once when no line waits", {
  permissions: "none",
}, async () => {
  using time = new FakeTime();
  await new LineWriter(new HeldSink()).flush(1000);
  assertFalse(time.next(), "a leaked timer would keep the program alive");
});

Deno.test("LineWriter.flush() waits until all lines are written, and no longer", {
  permissions: "none",
}, async () => {
  using time = new FakeTime();
  const sink = new HeldSink();
  const writer = new LineWriter(sink);
  writer.write("one");
  let isFlushed = false;
  const flushed = writer.flush(1000).then(() => isFlushed = true);
  const { take } = await sink.at(0);
  writer.write("two");
  take(4);
  await sink.at(1);
  assertFalse(isFlushed);
  await sink.takeAll(1);
  await flushed;
  assertFalse(time.next(), "a leaked timer would keep the program alive");
});

Deno.test("LineWriter.flush() gives up after its timeout on a sink that is stuck", {
  permissions: "none",
}, async () => {
  using time = new FakeTime();
  const sink = new HeldSink();
  const writer = new LineWriter(sink);
  writer.write("stuck");
  let isFlushed = false;
  const flushed = writer.flush(1000).then(() => isFlushed = true);
  await time.tickAsync(999);
  assertFalse(isFlushed);
  await time.tickAsync(1);
  await flushed;
  assert(isFlushed);
});

Deno.test("openLog() writes JSON, with the same fields and the time in UTC", {
  permissions: "none",
}, () => {
  const lines: string[] = [];
  const sink = (line: string) => lines.push(line);
  const now = () => MOMENT_MS;
  const log = openLog({ levels: CLIENT_LEVELS, level: "debug", format: "json", sink, now });
  log.warning("w", "fail", { error: 'a "b" | \u202e\n', agency: 1, repeated: true });
  log.critical("c", "fail");
  const time = new Date(MOMENT_MS).toISOString();
  assertEquals(lines, [
    `{"time":"${time}","level":"WARN","action":"w","result":"fail",` +
    '"error":"a \\"b\\" | \\u202e\\n","agency":1,"repeated":true}',
    `{"time":"${time}","level":"FATAL","action":"c","result":"fail"}`,
  ]);
  assertEquals(JSON.parse(lines[0]).error, 'a "b" | \u202e\n');
});

Deno.test("LineWriter.write() reports dropped lines in JSON among lines in JSON", {
  permissions: "none",
}, async () => {
  const sink = new HeldSink();
  const writer = new LineWriter(sink, 1);
  writer.format = "json";
  writer.write("{}");
  const { take } = await sink.at(0);
  for (let line = 0; line < 3; line++) writer.write("{}");
  take(3);
  const [, report] = (await sink.takeAll(1)).split("\n");
  const { level, action, result, error } = JSON.parse(report);
  assertEquals([level, action, result], ["WARNING", "log", "fail"]);
  assertEquals(error, "2 log lines were dropped: nobody read them in time");
  await writer.flush(1000);
});
