import { assertEquals } from "@std/assert";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { JOURNAL_BYTES, NO_MARK, type Round, RoundJournal } from "./round_journal.ts";

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
  return open(disk).read().round;
}

Deno.test("RoundJournal.read() returns what another process has written", () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  assertEquals(one.read().round, undefined);
  for (
    const round of [
      { epoch: 7, from: 0, to: 0, cuts: 0 },
      { epoch: 7, from: 0, to: 57, cuts: 3 },
      { from: 9_000_000_000_000_000, to: 9_007_199_254_740_991, cuts: 999_999_999_999, epoch: 7 },
    ]
  ) {
    one.begin(round);
    assertEquals(two.read().round, round);
    assertEquals(one.read().round, round);
    assertEquals(two.read().round, round);
  }
  two.begin({ from: 1, to: 2, cuts: 3, epoch: 7 });
  assertEquals(one.read().round, { from: 1, to: 2, cuts: 3, epoch: 7 });
});

Deno.test("RoundJournal has a fixed length, whatever its content", () => {
  const disk = new MemoryDisk();
  const journal = open(disk);
  journal.begin({ from: 1, to: 2, cuts: 3, epoch: 7 });
  const length = disk.bytes(NAME).length;
  assertEquals(length, JOURNAL_BYTES);
  journal.begin({ from: 0, to: 9_007_199_254_740_991, cuts: 0, epoch: 7 });
  assertEquals(disk.bytes(NAME).length, length);
});

Deno.test("RoundJournal.read() detects a wrong byte anywhere in the line", () => {
  const disk = new MemoryDisk();
  open(disk).begin({ from: 1234, to: 5678, cuts: 90, epoch: 7 });
  const bytes = disk.bytes(NAME);
  assertEquals(readIn(bytes), { from: 1234, to: 5678, cuts: 90, epoch: 7 });
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
    { epoch: 7, from: 0, to: 84, cuts: 1 },
    { epoch: 7, from: 84, to: 196, cuts: 1 },
    { epoch: 7, from: 196, to: 224, cuts: 1 },
    { epoch: 7, from: 196, to: 196, cuts: 2 },
    { epoch: 7, from: 196, to: 1000, cuts: 2 },
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

Deno.test("RoundJournal.restart() keeps the mark, and replaces the journal of an earlier version", () => {
  const earlier =
    "from=0000000000000038 to=0000000000000095 cuts=000000000000 recalls=000000000000 sum=4180191706\n" +
    "bets=0000000000000095 closed=0000000000000002 closedSum=0099288994 sum=3017932581\n";
  const disk = new MemoryDisk();
  disk.put(NAME, earlier);
  const journal = open(disk);
  const mark = { closed: 2, closedSum: 99288994 };
  assertEquals(journal.read(), { mark, earlier: { round: { from: 38, to: 95 }, bets: 95 } });
  journal.restart({ epoch: 3, size: 95 });
  assertEquals(open(disk).read(), { mark, round: { epoch: 3, from: 95, to: 95, cuts: 1 } });
  assertEquals(disk.bytes(NAME).length, JOURNAL_BYTES);
});

Deno.test("RoundJournal syncs no round", () => {
  const disk = new MemoryDisk();
  disk.fault = ({ kind }) => kind === "sync" ? { kind: "fail" } : undefined;
  const journal = open(disk);
  journal.begin({ from: 0, to: 10, cuts: 0, epoch: 7 });
  journal.writeMark({ closed: 1, closedSum: 2 });
  journal.restart({ epoch: 8, size: 10 });
});

Deno.test("RoundJournal.mark is the last mark, whatever the round", () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  assertEquals(markOf(one), NO_MARK);
  one.begin({ from: 0, to: 10, cuts: 0, epoch: 1 });
  one.writeMark({ closed: 2, closedSum: 9 });
  assertEquals(markOf(two), { closed: 2, closedSum: 9 });
  two.begin({ from: 10, to: 30, cuts: 0, epoch: 1 });
  assertEquals(markOf(one), { closed: 2, closedSum: 9 });
  assertEquals(one.read().round, { from: 10, to: 30, cuts: 0, epoch: 1 });
  two.writeMark({ closed: 9_007_199_254_740_991, closedSum: 0 });
  assertEquals(markOf(one), { closed: 9_007_199_254_740_991, closedSum: 0 });
});

Deno.test("RoundJournal.mark promises nothing if a byte of the mark is wrong", () => {
  const disk = new MemoryDisk();
  const journal = open(disk);
  journal.begin({ from: 0, to: 10, cuts: 0, epoch: 1 });
  const roundBytes = disk.bytes(NAME).indexOf(0x0a) + 1;
  journal.writeMark({ closed: 2, closedSum: 9 });
  const bytes = disk.bytes(NAME);
  for (let at = roundBytes; at < bytes.length; at++) {
    const damaged = new MemoryDisk();
    damaged.put(NAME, bytes.with(at, bytes[at] ^ 1));
    assertEquals(markOf(open(damaged)), NO_MARK);
    assertEquals(open(damaged).read().round, { from: 0, to: 10, cuts: 0, epoch: 1 });
  }
});
