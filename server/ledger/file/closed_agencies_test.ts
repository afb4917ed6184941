import { assert, assertEquals, assertRejects } from "@std/assert";
import { keepLog } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { ClosedAgencies } from "./closed_agencies.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { NO_MARK } from "./round_journal.ts";

/** Nothing here makes an unlock fail. */
const onFatal = (error: Error) => {
  throw error;
};
const NAME = "agencies_closed.txt";

/** A process's view of the file. */
function open(disk: MemoryDisk): ClosedAgencies {
  return new ClosedAgencies(disk.process().open(NAME), { log: keepLog().log, onFatal });
}

/** The closed agencies that a file's content names. */
function closedIn(content: string | Uint8Array): number[] {
  const disk = new MemoryDisk();
  disk.put(NAME, content);
  return [...open(disk).agencies(NO_MARK)];
}

Deno.test("ClosedAgencies reads one agency a line and ignores other lines", {
  permissions: "none",
}, () => {
  assertEquals(closedIn(""), []);
  assertEquals(closedIn("1\n3\n2\n"), [1, 3, 2]);
  assertEquals(closedIn("1\n1\n2\n1\n"), [1, 2]);
  assertEquals(closedIn("1\r\n2\r\n"), [1, 2]);
  assertEquals(closedIn("\n\n1\n\nx\n-2\n0\n 3\n4 \n10000\n12345\n5,6\n9999\n"), [1, 9999]);
  assertEquals(closedIn("\ufeff1\n2\n"), [1, 2]);
  assertEquals(closedIn(Uint8Array.of(0xff, 0x0a, 0x31, 0x0a)), [1]);
});

Deno.test("ClosedAgencies ignores a line without its newline", { permissions: "none" }, () => {
  assertEquals(closedIn("1"), []);
  assertEquals(closedIn("1\n12"), [1]);
});

const BEFORE: Record<string, [content: string | Uint8Array, closed: number[]]> = {
  "an empty file": ["", []],
  "whole lines": ["1\n2\n", [1, 2]],
  "a torn line": ["1\n2", [1]],
  "a torn line that is longer than what comes": ["1\n123456789", [1]],
  "nothing but a torn line": ["1", []],
  "garbage": ["x\n\n", []],
  "bytes that are not UTF-8": [Uint8Array.of(0xff, 0xfe, 0x0a, 0x31, 0x0a), [1]],
  "a torn line that is no UTF-8": [Uint8Array.of(0x31, 0x0a, 0xff, 0xff), [1]],
  "a byte order mark": ["\ufeff1\n2\n", [1, 2]],
};
for (const [name, [content, closed]] of Object.entries(BEFORE)) {
  Deno.test(`ClosedAgencies.add() adds an agency after ${name}`, async () => {
    const disk = new MemoryDisk();
    disk.put(NAME, content);
    await open(disk).add(33, NO_MARK);
    assertEquals([...open(disk).agencies(NO_MARK)], [...closed, 33]);
    assert(disk.text(NAME).endsWith("\n33\n") || disk.text(NAME) === "33\n");
    await open(disk).add(4, NO_MARK);
    assertEquals([...open(disk).agencies(NO_MARK)], [...closed, 33, 4]);
  });
}

Deno.test("ClosedAgencies sees lines of another process, even in place of a torn line", async () => {
  const disk = new MemoryDisk();
  disk.put(NAME, "1\n25");
  const [one, two] = [open(disk), open(disk)];
  assertEquals([...one.agencies(NO_MARK)], [1]);
  // The same length as the torn line.
  await two.add(3, NO_MARK);
  assertEquals([...one.agencies(NO_MARK)], [1, 3]);
  await two.add(25, NO_MARK);
  assertEquals([...one.agencies(NO_MARK)], [1, 3, 25]);
});

Deno.test("ClosedAgencies.add() leaves no partial line when the disk is full", async () => {
  for (const room of [0, 1, 2]) {
    const disk = new MemoryDisk();
    disk.put(NAME, "1\n");
    const agencies = open(disk);
    disk.capacity = 2 + room;
    await assertRejects(() => agencies.add(22, NO_MARK), Error, "No space left");
    assertEquals(disk.text(NAME), "1\n");
    assertEquals([...agencies.agencies(NO_MARK)], [1]);
    disk.capacity = Infinity;
    await agencies.add(22, NO_MARK);
    assertEquals([...agencies.agencies(NO_MARK)], [1, 22]);
  }
});

Deno.test("ClosedAgencies.add() reports a failed sync as fatal", async () => {
  const disk = new MemoryDisk();
  disk.put(NAME, "");
  const agencies = open(disk);
  disk.fault = ({ kind }) => kind === "sync" ? { kind: "fail" } : undefined;
  await assertRejects(
    () => agencies.add(1, NO_MARK),
    FatalLedgerError,
    "Cannot sync agencies_closed.txt",
  );
});

Deno.test("ClosedAgencies.agencies(NO_MARK) reads the file only after a change", () => {
  const disk = new MemoryDisk();
  disk.put(NAME, "1\n2\n");
  const agencies = open(disk);
  agencies.agencies(NO_MARK);
  const reads: string[] = [];
  disk.fault = ({ kind }) => void reads.push(kind);
  agencies.agencies(NO_MARK);
  assertEquals(reads, ["isCurrent", "size"]);
});
