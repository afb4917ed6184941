import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { keepLog } from "../../testing/ledgers.ts";
import { MemoryDisk, type MemoryProcess } from "../../testing/memory_disk.ts";
import { BetsFile } from "./bets_file.ts";
import { NO_KNOWN_ROWS } from "./checkpoint_file.ts";
import { turnEnd } from "../courtesy.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { DamagedRowError, Tally } from "../tally.ts";

const ROW = "1,Ana,Paz,1,1980-01-01,1\n";
const encode = (text: string) => new TextEncoder().encode(text);

/** A process's view of bets.csv. */
interface Opened {
  bets: BetsFile;
  tally: Tally;
  lines: string[];
  process: MemoryProcess;
  /** The failures that came without a promise to reject. */
  failures: Error[];
}

function open(disk: MemoryDisk, isRecorded?: (from: number) => boolean): Opened {
  const process = disk.process();
  const tally = new Tally(7574);
  const { log, lines } = keepLog();
  const failures: Error[] = [];
  const bets = new BetsFile(process, {
    tally,
    rules: { agencies: 5, today: 20261123 },
    log,
    onFatal: (error) => failures.push(error),
    isRecorded,
  });
  process.syncFolder();
  bets.begin({ epoch: 1, known: NO_KNOWN_ROWS });
  return { bets, tally, lines, process, failures };
}

/** Appends rows as the ledger does. */
async function append({ bets }: Opened, rows: string): Promise<void> {
  await bets.exclusively(() => bets.append(encode(rows)));
}

async function count(opened: Opened): Promise<number> {
  await opened.bets.exclusively(() => {});
  return opened.tally.count(1);
}

Deno.test("BetsFile reads a file that another program has written", async () => {
  const disk = new MemoryDisk();
  disk.put("bets.csv", ROW.repeat(3));
  assertEquals(await count(open(disk)), 3);
  assertEquals(disk.text("bets.csv"), ROW.repeat(3));
});

Deno.test("BetsFile truncates the torn last row of a file that another program has written", async () => {
  for (const torn of ["1", "1,Ana,Paz,1,1980-01-01,1", "garbage", "\0\0\0"]) {
    for (const rows of ["", ROW.repeat(3)]) {
      const disk = new MemoryDisk();
      disk.put("bets.csv", rows + torn);
      const opened = open(disk);
      assertEquals(await count(opened), rows === "" ? 0 : 3);
      assertEquals(disk.text("bets.csv"), rows);
      const [repair, ...others] = opened.lines;
      assert(repair.startsWith(`action: repair | result: success | file: bets.csv`), repair);
      assert(
        repair.includes(`cut_bytes: ${torn.length} | offset: ${rows.length} | begins: `),
        repair,
      );
      assertEquals(others, []);
    }
  }
});

Deno.test("BetsFile reads what other programs have appended between rounds", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW);
  const editor = disk.process().open("bets.csv");
  editor.write(encode(ROW + ROW), ROW.length);
  assertEquals(await count(opened), 3);
  editor.write(encode(ROW + "1,to"), 3 * ROW.length);
  assertEquals(await count(opened), 4);
  assertEquals(disk.text("bets.csv"), ROW.repeat(4));
});

Deno.test("BetsFile finds the end of the last row however far back it is", async () => {
  const disk = new MemoryDisk();
  disk.put("bets.csv", ROW + "x".repeat(3 * 1024 * 1024));
  assertEquals(await count(open(disk)), 1);
  assertEquals(disk.text("bets.csv"), ROW);
  disk.put("bets.csv", ROW + `1,${"x".repeat(3 * 1024 * 1024)}\n`);
  disk.remove("bets.csv.round");
  await assertRejects(() => count(open(disk)), FatalLedgerError, "no row ends within 262144 bytes");
});

Deno.test("BetsFile logs truncated zeros as zeros", async () => {
  const disk = new MemoryDisk();
  disk.put("bets.csv", ROW + "\0".repeat(1000));
  const opened = open(disk);
  assertEquals(await count(opened), 1);
  assertStringIncludes(
    opened.lines[0],
    "cut_bytes: 1000 | offset: 25 | begins: zeros | copy: bets.csv.cut-",
  );
});

Deno.test("BetsFile does not mistake a file that was edited by hand for a torn round", async () => {
  // The file ends within the last round.
  for (let less = 1; less < 7; less++) {
    const disk = new MemoryDisk();
    const opened = open(disk);
    for (const name of ["Ana", "Eva Luna", "Zoe", "Leo"]) {
      await append(opened, ROW.replace("Ana", name).repeat(3));
    }
    const content = disk.text("bets.csv").replace("Eva Luna", "Eva Luna".slice(0, -less));
    disk.put("bets.csv", content);
    const next = open(disk);
    assertEquals(await count(next), 12, `${less} bytes less`);
    assertEquals(disk.text("bets.csv"), content);
    await append(next, ROW);
    assertEquals(disk.text("bets.csv"), content + ROW);
  }
});

Deno.test("BetsFile refuses a damaged row in the middle and changes nothing", async () => {
  const disk = new MemoryDisk();
  const content = `${ROW}hello\n${ROW}`;
  disk.put("bets.csv", content);
  await assertRejects(() => count(open(disk)), DamagedRowError, "line 2, at byte 25");
  assertEquals(disk.text("bets.csv"), content);
});

Deno.test("BetsFile fails when bets.csv was deleted or replaced", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW);
  disk.remove("bets.csv");
  await assertRejects(() => count(opened), FatalLedgerError, "was moved or deleted");
  disk.put("bets.csv", ROW);
  await assertRejects(() => append(opened, ROW), FatalLedgerError, "Stop all servers before");
  // The lock is free nevertheless.
  assertEquals(await count(open(disk)), 1);
});

Deno.test("BetsFile.exclusively() releases the lock when its work fails", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  await assertRejects(
    () => one.bets.exclusively(() => Promise.reject(new Error("no"))),
    Error,
    "no",
  );
  await append(two, ROW);
  disk.fault = ({ kind, process }) =>
    kind === "read" && process === one.process ? { kind: "fail" } : undefined;
  await assertRejects(() => count(one), Error, "read bets.csv.round: injected fault");
  disk.fault = () => undefined;
  assertEquals([await count(one), await count(two)], [1, 1]);
});

Deno.test("BetsFile.exclusively() logs a long wait for the lock, and keeps waiting", async () => {
  using time = new FakeTime();
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  const gate = Promise.withResolvers<void>();
  const working = one.bets.exclusively(() => gate.promise);
  const waiting = append(two, ROW);
  // It tries for a few turns before it waits.
  for (let turn = 0; turn < 20; turn++) await turnEnd();
  await time.tickAsync(4999);
  assertEquals(two.lines, []);
  await time.tickAsync(1);
  assertEquals(two.lines.length, 1);
  assert(two.lines[0].startsWith("action: lock | result: in_progress | file: bets.csv"));
  gate.resolve();
  await Promise.all([working, waiting]);
  assertEquals(disk.text("bets.csv"), ROW);
});

Deno.test("BetsFile.append() reports the disk error, and fails for good if it cannot truncate", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW);
  disk.capacity = disk.used + 10;
  const full = await assertRejects(
    () => append(opened, ROW),
    Error,
    "Cannot write bets.csv: No space",
  );
  assert(!(full instanceof FatalLedgerError));
  assertEquals(disk.text("bets.csv"), ROW);
  disk.fault = ({ kind }) => kind === "truncate" ? { kind: "fail" } : undefined;
  await assertRejects(
    () => append(opened, ROW),
    FatalLedgerError,
    "Cannot truncate bets.csv to 25 bytes",
  );
});

Deno.test("BetsFile reports the line and byte of a damaged row after its own rounds", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW + ROW);
  disk.process().open("bets.csv").write(encode("x\n"), 2 * ROW.length);
  const error = await assertRejects(() => count(opened), DamagedRowError);
  assertEquals([error.line, error.offset], [3, 2 * ROW.length]);
  assertThrows(() => {
    throw error;
  }, DamagedRowError);
});

Deno.test("BetsFile.follow() counts rows of other servers, and takes no lock if there are none", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [open(disk), open(disk)];
  await append(one, ROW.repeat(3));
  await two.bets.follow();
  assertEquals(two.tally.count(1), 3);
  const holder = disk.process().open("bets.csv");
  assert(holder.tryLock());
  await two.bets.follow();
  holder.unlock();
  await append(one, ROW);
  await two.bets.follow();
  assertEquals(two.tally.count(1), 4);
});

Deno.test("BetsFile looks for a huge hole only where the last round does not end as announced", async () => {
  const disk = new MemoryDisk();
  const row = (name: string) => `1,${name},Paz,1,1980-01-01,1\n`;
  // More than the longest end of zeros that servers can have left.
  disk.put("bets.csv", row("Ana").repeat(2_700_000));
  const opened = open(disk);
  await opened.bets.follow();
  await append(opened, ROW);
  const reads: string[] = [];
  disk.fault = ({ kind, file }) => void (kind === "read" && reads.push(file));
  await append(opened, ROW);
  assertEquals(reads, ["bets.csv.round"]);
  const other = open(disk);
  await other.bets.follow();
  await append(other, ROW);
  reads.length = 0;
  await count(opened);
  // The last byte, and the row.
  assertEquals(reads, ["bets.csv.round", "bets.csv", "bets.csv"]);
});

Deno.test("BetsFile.follow() leaves damage to the next holder of the lock", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW);
  disk.process().open("bets.csv").write(encode(`${ROW}garbage\n`), ROW.length);
  await opened.bets.follow();
  assertEquals(opened.tally.count(1), 2);
  await assertRejects(() => count(opened), DamagedRowError, "line 3");
});

Deno.test("BetsFile.follow() fails when the file was moved", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW);
  disk.process().open("bets.csv").write(encode(ROW), ROW.length);
  disk.remove("bets.csv");
  await assertRejects(() => opened.bets.follow(), FatalLedgerError, "was moved or deleted");
});

Deno.test("BetsFile truncates a torn round, but not one that a redo log holds: somebody has shortened it", async () => {
  for (const isRecorded of [false, true]) {
    const disk = new MemoryDisk();
    const writer = open(disk);
    await append(writer, ROW);
    disk.fault = ({ kind, file }) =>
      kind === "write" && file === "bets.csv" ? { kind: "kill", bytes: 30 } : undefined;
    await append(writer, ROW + ROW).catch(() => {});
    disk.fault = () => undefined;
    const other = open(disk, () => isRecorded);
    if (isRecorded) await assertRejects(() => count(other), FatalLedgerError, "were durable");
    else assertEquals(await count(other), 1);
    assertEquals(disk.text("bets.csv").length, isRecorded ? ROW.length + 30 : ROW.length);
  }
});

Deno.test("BetsFile fails where another server has begun a new epoch, or one of an earlier version writes", async () => {
  const disk = new MemoryDisk();
  const opened = open(disk);
  await append(opened, ROW);
  const other = open(disk);
  other.bets.begin({ epoch: 2, known: NO_KNOWN_ROWS });
  await assertRejects(() => append(other, ROW), FatalLedgerError, "has recovered the volume");
  disk.overwrite(
    "bets.csv.round",
    "from=0000000000000038 to=0000000000000095 cuts=000000000000 recalls=000000000000 sum=4180191706\n",
  );
  await assertRejects(() => append(opened, ROW), FatalLedgerError, "of an earlier version");
});
