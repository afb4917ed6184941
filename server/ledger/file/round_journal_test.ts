import { assertEquals } from "@std/assert";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { JOURNAL_BYTES, type Round, RoundJournal } from "./round_journal.ts";

const NAME = "bets.csv.round";

function open(disk: MemoryDisk): RoundJournal {
  return new RoundJournal(disk.process().open(NAME));
}

/** The mark, as a process reads it. */
function markOf(journal: RoundJournal) {
  journal.read();
  return journal.mark;
}

/** What a process reads from a journal with that content. */
function readIn(content: string | Uint8Array): Round | undefined {
  const disk = new MemoryDisk();
  disk.put(NAME, content);
  return open(disk).read();
}

Deno.test("RoundJournal.read() returns what another process has written", () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  assertEquals(one.read(), undefined);
  for (
    const round of [
      { from: 0, to: 0, cuts: 0, recalls: 7 },
      { from: 0, to: 57, cuts: 3, recalls: 7 },
      { from: 9_000_000_000_000_000, to: 9_007_199_254_740_991, cuts: 999_999_999_999, recalls: 7 },
    ]
  ) {
    one.begin(round);
    assertEquals(two.read(), round);
    assertEquals(one.read(), round);
    assertEquals(two.read(), round);
  }
  two.begin({ from: 1, to: 2, cuts: 3, recalls: 7 });
  assertEquals(one.read(), { from: 1, to: 2, cuts: 3, recalls: 7 });
});

Deno.test("RoundJournal has a fixed length, whatever its content", () => {
  const disk = new MemoryDisk();
  const journal = open(disk);
  journal.begin({ from: 1, to: 2, cuts: 3, recalls: 7 });
  const length = disk.bytes(NAME).length;
  assertEquals(length, JOURNAL_BYTES);
  journal.begin({ from: 0, to: 9_007_199_254_740_991, cuts: 0, recalls: 7 });
  assertEquals(disk.bytes(NAME).length, length);
});

Deno.test("RoundJournal.read() detects a wrong byte anywhere in the line", () => {
  const disk = new MemoryDisk();
  open(disk).begin({ from: 1234, to: 5678, cuts: 90, recalls: 7 });
  const bytes = disk.bytes(NAME);
  assertEquals(readIn(bytes), { from: 1234, to: 5678, cuts: 90, recalls: 7 });
  const roundBytes = bytes.indexOf(0x0a) + 1;
  for (let at = 0; at < roundBytes; at++) {
    for (const byte of [0x00, 0x30, 0x31, 0x39, 0x0a, 0xff]) {
      if (byte !== bytes[at]) assertEquals(readIn(bytes.with(at, byte)), undefined);
    }
    assertEquals(readIn(bytes.subarray(0, at)), undefined);
  }
  for (const other of ["", "\n", "garbage", "\0".repeat(100)]) {
    assertEquals(readIn(other), undefined);
  }
});

Deno.test("RoundJournal.read() detects a mixture of two lines", () => {
  const rounds = [
    { from: 0, to: 84, cuts: 1, recalls: 7 },
    { from: 84, to: 196, cuts: 1, recalls: 7 },
    { from: 196, to: 224, cuts: 1, recalls: 7 },
    { from: 196, to: 196, cuts: 2, recalls: 7 },
    { from: 196, to: 1000, cuts: 2, recalls: 7 },
  ];
  const lines = rounds.map((round) => {
    const disk = new MemoryDisk();
    open(disk).begin(round);
    return disk.bytes(NAME);
  });
  for (const [index, line] of lines.entries()) {
    for (const [otherIndex, other] of lines.entries()) {
      for (let at = 0; at <= line.length; at++) {
        const torn = new Uint8Array(line);
        torn.set(other.subarray(0, at));
        const found = readIn(torn);
        const isWhole = [rounds[index], rounds[otherIndex], undefined].some((round) =>
          JSON.stringify(round) === JSON.stringify(found)
        );
        assertEquals(isWhole, true, new TextDecoder().decode(torn));
      }
    }
  }
});

Deno.test("RoundJournal.recordCut() syncs its line, begin() does not", () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const journal = new RoundJournal(process.open(NAME));
  process.syncFolder();
  const lastingRounds = () =>
    [...disk.afterPowerCut()].map((left) => open(left).read()).filter((round) =>
      round !== undefined
    );
  journal.begin({ from: 0, to: 10, cuts: 0, recalls: 7 });
  assertEquals(new Set(lastingRounds().map((round) => round?.to)), new Set([10]));
  assertEquals([...disk.afterPowerCut()].length > 1, true);
  journal.recordCut(0, { cuts: 1, recalls: 7 });
  assertEquals([...disk.afterPowerCut()].length, 1);
  assertEquals(lastingRounds(), [{ from: 0, to: 0, cuts: 1, recalls: 7 }]);
});

Deno.test("RoundJournal.mark is the last mark, whatever the round", () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  assertEquals(markOf(one), { bets: 0, closed: 0, closedSum: 0 });
  one.begin({ from: 0, to: 10, cuts: 0, recalls: 0 });
  one.writeMark({ bets: 10, closed: 2, closedSum: 9 });
  assertEquals(markOf(two), { bets: 10, closed: 2, closedSum: 9 });
  two.begin({ from: 10, to: 30, cuts: 0, recalls: 0 });
  assertEquals(markOf(one), { bets: 10, closed: 2, closedSum: 9 });
  assertEquals(one.read(), { from: 10, to: 30, cuts: 0, recalls: 0 });
  two.writeMark({ bets: 9_007_199_254_740_991, closed: 0, closedSum: 0 });
  assertEquals(markOf(one), { bets: 9_007_199_254_740_991, closed: 0, closedSum: 0 });
});

Deno.test("RoundJournal.mark promises nothing if a byte of the mark is wrong", () => {
  const disk = new MemoryDisk();
  const journal = open(disk);
  journal.begin({ from: 0, to: 10, cuts: 0, recalls: 0 });
  const roundBytes = disk.bytes(NAME).indexOf(0x0a) + 1;
  journal.writeMark({ bets: 10, closed: 2, closedSum: 9 });
  const bytes = disk.bytes(NAME);
  for (let at = roundBytes; at < bytes.length; at++) {
    const damaged = new MemoryDisk();
    damaged.put(NAME, bytes.with(at, bytes[at] ^ 1));
    assertEquals(markOf(open(damaged)), { bets: 0, closed: 0, closedSum: 0 });
    assertEquals(open(damaged).read(), { from: 0, to: 10, cuts: 0, recalls: 0 });
  }
});
