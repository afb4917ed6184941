import { assertEquals } from "@std/assert";
import { HEADER_BYTES, PAGE_BYTES, pagesOf, parseRecords, RecordWriter } from "./log_record.ts";

const LOTTERY = "54a991fe-b547-8f16-9588-f46c0e71704b";
const OF = { lottery: LOTTERY, epoch: 3 };

function rowsOf(bytes: number): Uint8Array {
  return new Uint8Array(bytes).map((_, at) => at % 25 === 24 ? 0x0a : 0x61 + at % 23);
}

/** Records one after the other, as a log has them. */
function logOf(...rounds: { from: number; rows: Uint8Array }[]): Uint8Array {
  const writer = new RecordWriter(OF);
  const records = rounds.map(({ from, rows }) => writer.write(from, rows).slice());
  const log = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0) + PAGE_BYTES);
  let at = 0;
  for (const record of records) {
    log.set(record, at);
    at += record.length;
  }
  return log;
}

Deno.test("parseRecords() finds records of every size, in whole pages", () => {
  const room = PAGE_BYTES - HEADER_BYTES;
  for (const bytes of [1, room - 1, room, room + 1, room + PAGE_BYTES, 5 * PAGE_BYTES]) {
    const rounds = [{ from: 7, rows: rowsOf(bytes) }, { from: 7 + bytes, rows: rowsOf(30) }];
    const log = logOf(...rounds);
    assertEquals(log.length, PAGE_BYTES * (pagesOf(bytes) + 2));
    assertEquals([...parseRecords(log)], rounds.map((round) => ({ ...OF, ...round })));
  }
});

Deno.test("parseRecords() ignores a record of which any byte is wrong, and finds those beside it", () => {
  const rounds = [25, 5000, 25].map((bytes, at) => ({ from: 10_000 * at, rows: rowsOf(bytes) }));
  const log = logOf(...rounds);
  const end = PAGE_BYTES + HEADER_BYTES + 5000;
  const [one, , three] = rounds.map((round) => ({ ...OF, ...round }));
  for (let at = PAGE_BYTES; at < end; at += at < PAGE_BYTES + HEADER_BYTES ? 1 : 97) {
    const torn = log.slice();
    torn[at] ^= 1;
    assertEquals([...parseRecords(torn)], [one, three], `byte ${at}`);
  }
  // Its second page did not reach the disk.
  const torn = log.slice();
  torn.fill(0, 2 * PAGE_BYTES, 3 * PAGE_BYTES);
  assertEquals([...parseRecords(torn)], [one, three]);
  assertEquals([...parseRecords(log.subarray(0, 2 * PAGE_BYTES))], [one]);
});

Deno.test("parseRecords() takes no page of rows for the beginning of a record", () => {
  const inner = new RecordWriter(OF).write(0, rowsOf(25)).slice();
  // Rows hold no control character but the line feed, so that the first byte of a record is not among them.
  assertEquals(inner[0], 1);
  const log = logOf({ from: 100, rows: rowsOf(3 * PAGE_BYTES) });
  log.set(inner, PAGE_BYTES);
  assertEquals([...parseRecords(log)].map(({ from }) => from), [0]);
});
