import { assertEquals } from "@std/assert";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { type Round, RoundJournal } from "./round_journal.ts";

const NAME = "bets.csv.round";

function open(disk: MemoryDisk): RoundJournal {
  return new RoundJournal(disk.process().open(NAME));
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
      { from: 0, to: 0, cuts: 0 },
      { from: 0, to: 57, cuts: 3 },
      { from: 9_000_000_000_000_000, to: 9_007_199_254_740_991, cuts: 999_999_999_999 },
    ]
  ) {
    one.begin(round);
    assertEquals(two.read(), round);
    assertEquals(one.read(), round);
    assertEquals(two.read(), round);
  }
  two.begin({ from: 1, to: 2, cuts: 3 });
  assertEquals(one.read(), { from: 1, to: 2, cuts: 3 });
});

Deno.test("RoundJournal is one line of fixed length, whatever its content", () => {
  const disk = new MemoryDisk();
  const journal = open(disk);
  journal.begin({ from: 1, to: 2, cuts: 3 });
  const length = disk.bytes(NAME).length;
  assertEquals(disk.text(NAME).indexOf("\n"), length - 1);
  journal.begin({ from: 0, to: 9_007_199_254_740_991, cuts: 0 });
  assertEquals(disk.bytes(NAME).length, length);
});

Deno.test("RoundJournal.read() detects a wrong byte anywhere in the line", () => {
  const disk = new MemoryDisk();
  open(disk).begin({ from: 1234, to: 5678, cuts: 90 });
  const bytes = disk.bytes(NAME);
  assertEquals(readIn(bytes), { from: 1234, to: 5678, cuts: 90 });
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of [0x00, 0x30, 0x31, 0x39, 0x0a, 0xff]) {
      if (byte !== bytes[at]) assertEquals(readIn(bytes.with(at, byte)), undefined);
    }
    assertEquals(readIn(bytes.subarray(0, at)), undefined);
  }
  for (const other of ["", "\n", "garbage", "\0".repeat(76)]) {
    assertEquals(readIn(other), undefined);
  }
});

Deno.test("RoundJournal.read() detects a mixture of two lines", () => {
  const rounds = [
    { from: 0, to: 84, cuts: 1 },
    { from: 84, to: 196, cuts: 1 },
    { from: 196, to: 224, cuts: 1 },
    { from: 196, to: 196, cuts: 2 },
    { from: 196, to: 1000, cuts: 2 },
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
  journal.begin({ from: 0, to: 10, cuts: 0 });
  assertEquals(lastingRounds(), [{ from: 0, to: 10, cuts: 0 }]);
  assertEquals([...disk.afterPowerCut()].length > 1, true);
  journal.recordCut(0, 1);
  assertEquals([...disk.afterPowerCut()].length, 1);
  assertEquals(lastingRounds(), [{ from: 0, to: 0, cuts: 1 }]);
});
