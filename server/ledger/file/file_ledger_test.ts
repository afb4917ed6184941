import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { AGENCIES, batchOf, namedBatch, openLedger, storedBets } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import type { AppendResult, CloseResult, Draw } from "../ledger.ts";
import { BETS_FILE, CLOSED_FILE, DISK_FAILURE_FILE, LOG_PREFIX } from "./volume_files.ts";
import { turnEnd } from "../courtesy.ts";
import { FatalLedgerError } from "../fatal_error.ts";

const STORED: AppendResult = { status: "stored" };
const CLOSED: CloseResult = { status: "closed", repeated: false };

/** The winners of each agency, as a WinnersResponse lists them. */
async function winnersOf(draw: Draw | undefined): Promise<string[]> {
  assert(draw !== undefined);
  const agencies = Array.from({ length: AGENCIES }, (_, index) => index + 1);
  return await Promise.all(agencies.map(async (agency) => {
    const pieces = await Array.fromAsync(draw.winners(agency));
    return pieces.map((piece) => new TextDecoder().decode(piece)).join(";");
  }));
}

Deno.test("FileLedger.draw() needs agencies 1 to the last to be closed, whichever others are", async () => {
  const disk = new MemoryDisk();
  disk.put("agencies_closed.txt", "1\n2\n3\n4\n6\n7\n9999\n");
  const { ledger } = await openLedger(disk.process());
  assertEquals(await ledger.draw(), undefined);
  assertEquals(await ledger.close(5), CLOSED);
  assert(await ledger.draw() !== undefined);
});

Deno.test("FileLedger.append() stores batches that wait together in one round, in their order", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  await ledger.append(namedBatch("first"));
  const operations: string[] = [];
  disk.fault = ({ kind, file }) => void operations.push(`${kind} ${file}`);
  const names = Array.from({ length: 50 }, (_, index) => `b${index}`);
  const results = await Promise.all(names.map((name) => ledger.append(namedBatch(name))));
  assert(results.every(({ status }) => status === "stored"));
  const ONCE = [
    "write bets.csv",
    "write bets.csv.round",
    `write ${LOG_PREFIX}`,
    `sync ${LOG_PREFIX}`,
  ];
  for (const once of ONCE) {
    assertEquals(operations.filter((operation) => operation === once).length, 1, once);
  }
  assertEquals(operations.filter((operation) => operation.startsWith("sync")).length, 1);
  const documents = rowsOf(disk).map(([, , , document]) => document);
  assertEquals(documents, ["first", ...names].flatMap((name) => [`${name}-0`, `${name}-1`]));
});

Deno.test("FileLedger.append() leaves refused batches out of a round and stores the others", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  await ledger.close(2);
  const win = (agency: number, document: string) =>
    batchOf(`StoreBatch:${agency};A;B;${document};1980-01-01;7574:A;B;x;1980-01-01;1`);
  const results = await Promise.all([
    ledger.append(win(2, "closed")),
    ledger.append(win(1, "one"), 0),
    ledger.append(win(1, "early"), 0),
    ledger.append(win(1, "two"), 2),
    ledger.append(win(3, "three"), 1),
    ledger.append(win(3, "four")),
    ledger.append(win(2, "closed"), 0),
  ]);
  assertEquals(results.map(({ status }) => status === "stored"), [
    false,
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  assertEquals(results[0], { status: "refused", reason: "agency 2 is closed" });
  assertEquals(results[2], {
    status: "refused",
    reason:
      "agency 1 has 2 bets, but this connection expects 0: others were stored since; ask for " +
      "progress and continue from there",
  });
  assertEquals(rowsOf(disk).map(([agency, , , document]) => `${agency} ${document}`), [
    "1 one",
    "1 x",
    "1 two",
    "1 x",
    "3 four",
    "3 x",
  ]);
  for (const agency of [1, 3, 4, 5]) await ledger.close(agency);
  const { ledger: next } = await openLedger(disk.process());
  for (const opened of [ledger, next]) {
    assertEquals(await winnersOf(await opened.draw()), ["one;two", "", "four", "", ""]);
  }
});

Deno.test("FileLedger.append() answers only after the sync", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const hold = disk.hold("sync", LOG_PREFIX);
  let isAnswered = false;
  const storing = ledger.append(namedBatch("a")).finally(() => isAnswered = true);
  await hold.reached;
  // The row is there and the lock is free, but nothing has been acknowledged yet.
  const { ledger: other } = await openLedger(disk.process());
  assertEquals(await other.append(namedBatch("b")), STORED);
  assertEquals(isAnswered, false);
  hold.release();
  assertEquals(await storing, STORED);
});

Deno.test("FileLedger.append() adds batches to the round while another server holds the lock", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const other = disk.process().open("bets.csv");
  assertEquals(other.tryLock(), true);
  const first = ledger.append(namedBatch("a", { agency: 1 }));
  for (let turn = 0; turn < 20; turn++) await turnEnd();
  const second = ledger.append(namedBatch("b", { agency: 2 }));
  const writes: number[] = [];
  disk.fault = ({ kind, number }) => void (kind === "write" && writes.push(number));
  other.unlock();
  assertEquals(await Promise.all([first, second]), [STORED, STORED]);
  // The journal, the rows of both batches, and their record.
  assertEquals(writes.length, 3);
  assertEquals(disk.text("bets.csv").split("\n").length, 5);
});

Deno.test("FileLedger.progress() asks the disk once for all questions asked at the same time", async () => {
  const disk = new MemoryDisk();
  // Large enough that no checkpoint begins meanwhile.
  const { ledger } = await openLedger(disk.process(), { logBytes: 64 * 1024 });
  for (const agency of [1, 2, 2, 3]) await ledger.append(namedBatch("a", { agency }));
  const before = disk.operations;
  assertEquals(await storedBets(ledger, 1), 2);
  const once = disk.operations - before;
  const asked = [1, 2, 3, 4, 2].map((agency) => storedBets(ledger, agency));
  assertEquals(await Promise.all(asked), [2, 4, 2, 0, 4]);
  assertEquals(disk.operations - before, 2 * once);
  // A later question sees later bets.
  await ledger.append(namedBatch("b", { agency: 4 }));
  assertEquals(await storedBets(ledger, 4), 2);
});

Deno.test("FileLedger.progress() syncs other servers' bets before it counts them", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  const hold = disk.hold("sync", LOG_PREFIX);
  const storing = one.append(namedBatch("a"));
  await hold.reached;
  assertEquals(await storedBets(two, 1), 2);
  for (const left of disk.afterPowerCut()) {
    assertEquals(await storedBets((await openLedger(left.process())).ledger, 1), 2);
  }
  hold.release();
  assertEquals(await storing, STORED);
});

Deno.test("FileLedger.settle() syncs other servers' closes", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  const hold = disk.hold("sync", "agencies_closed.txt");
  const closing = one.close(1);
  await hold.reached;
  // settle() waits for the lock; the close continues meanwhile.
  const settling = two.settle();
  hold.release();
  await Promise.all([closing, settling]);
  for (const left of disk.afterPowerCut()) assertEquals(left.text("agencies_closed.txt"), "1\n");
});

Deno.test("FileLedger.settle() syncs closes whose writer was killed before its sync", async () => {
  const disk = new MemoryDisk();
  const { ledger: killed } = await openLedger(disk.process());
  const { ledger } = await openLedger(disk.process());
  disk.fault = ({ kind, file }) =>
    kind === "sync" && file === CLOSED_FILE ? { kind: "kill" } : undefined;
  assertEquals((await killed.close(3)).status, "unknown");
  disk.fault = () => undefined;
  await ledger.follow();
  assertEquals(await ledger.draw(), undefined);
  await ledger.settle();
  for (const left of disk.afterPowerCut()) assertEquals(left.text(CLOSED_FILE), "3\n");
});

Deno.test("FileLedger.close() makes bets durable in bets.csv, so that no other server has to for the draw", async () => {
  const disk = new MemoryDisk();
  const [one, two] = [
    (await openLedger(disk.process())).ledger,
    (await openLedger(disk.process())).ledger,
  ];
  await one.append(namedBatch("a"));
  for (let agency = 1; agency <= AGENCIES; agency++) await one.close(agency);
  assert(await one.draw() !== undefined);
  const synced: string[] = [];
  disk.fault = ({ kind, file }) => {
    if (kind === "sync") synced.push(file);
  };
  assert(await two.draw() !== undefined);
  assertEquals(synced, []);
  disk.fault = () => undefined;
  for (const left of disk.afterPowerCut()) assertEquals(left.text(BETS_FILE), disk.text(BETS_FILE));
});

Deno.test("FileLedger.close() waits for a server that appends bets before it writes anything", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const appending = disk.process().open("bets.csv");
  assert(appending.tryLock());
  const hold = disk.hold("lock", "bets.csv");
  const closing = ledger.close(1);
  await hold.reached;
  assertEquals(disk.text("agencies_closed.txt"), "");
  hold.release();
  appending.unlock();
  assertEquals(await closing, CLOSED);
  assertEquals(disk.text("agencies_closed.txt"), "1\n");
});

Deno.test("FileLedger.close() makes a close durable whose writer was killed before its sync", async () => {
  const disk = new MemoryDisk();
  const { ledger: killed } = await openLedger(disk.process());
  const { ledger } = await openLedger(disk.process());
  disk.fault = ({ kind, file }) =>
    kind === "sync" && file === "agencies_closed.txt" ? { kind: "kill" } : undefined;
  assertEquals((await killed.close(3)).status, "unknown");
  disk.fault = () => undefined;
  assertEquals(await ledger.close(3), { status: "closed", repeated: true });
  for (const left of disk.afterPowerCut()) assertEquals(left.text("agencies_closed.txt"), "3\n");
});

Deno.test("FileLedger.close() rewrites a close that a failed sync has lost", async () => {
  for (const retried of [3, 4]) {
    const disk = new MemoryDisk();
    const { ledger, failures } = await openLedger(disk.process());
    assertEquals(await ledger.close(2), CLOSED);
    disk.fault = ({ kind, file }) =>
      kind === "sync" && file === "agencies_closed.txt" ? { kind: "fail" } : undefined;
    const failed = await ledger.close(3);
    assert(failed.status === "unknown");
    assertStringIncludes(failed.reason, "Cannot sync agencies_closed.txt");
    disk.fault = () => undefined;
    assertEquals(failures.length, 1);
    disk.remove(DISK_FAILURE_FILE);
    const { ledger: next } = await openLedger(disk.process());
    assertEquals(await next.close(retried), {
      status: "closed",
      repeated: retried === 3,
    });
    // The line of another agency after the lost one would be useless without it.
    const closed = retried === 3 ? "2\n3\n" : "2\n3\n4\n";
    for (const left of disk.afterPowerCut()) assertEquals(left.text("agencies_closed.txt"), closed);
  }
});

Deno.test("FileLedger refuses while the disk is full and continues when there is room", async () => {
  for (let room = 0; room < 60; room += 7) {
    const disk = new MemoryDisk();
    const { ledger, failures } = await openLedger(disk.process());
    const { ledger: other } = await openLedger(disk.process());
    assertEquals(await ledger.append(namedBatch("a")), STORED);
    disk.capacity = disk.used + room;
    for (const full of [ledger, other, ledger]) {
      const result = await full.append(namedBatch("b", { count: 3 }));
      assert(result.status === "refused" && result.reason.includes("No space left"));
      assertEquals(rowsOf(disk).length, 2);
    }
    assertEquals(await storedBets(ledger, 1), 2);
    disk.capacity = disk.used;
    const failed = await ledger.close(1);
    assert(failed.status === "unknown" && failed.reason.includes("No space left"));
    disk.capacity = Infinity;
    assertEquals(await ledger.append(namedBatch("c")), STORED);
    assertEquals(await other.append(namedBatch("d", { count: 1 })), STORED);
    assertEquals(await storedBets(ledger, 1), 5);
    assertEquals(failures, []);
  }
});

Deno.test("FileLedger does nothing more after a failed sync, and fails once", async () => {
  const disk = new MemoryDisk();
  const { ledger, failures } = await openLedger(disk.process());
  const { ledger: other } = await openLedger(disk.process());
  assertEquals(await ledger.append(namedBatch("a")), STORED);
  const struck = disk.operations;
  disk.fault = ({ kind, file, number }) => {
    if (kind !== "sync" || file !== LOG_PREFIX || number < struck) return undefined;
    disk.fault = () => undefined;
    return { kind: "fail" };
  };
  const results = await Promise.all([
    ledger.append(namedBatch("b")),
    ledger.append(namedBatch("c", { agency: 2 })),
  ]);
  // They were appended whole, and so are never taken back.
  assertEquals(results.map(({ status }) => status), ["unknown", "unknown"]);
  assertEquals(rowsOf(disk).length, 6);
  const later = await ledger.append(namedBatch("d"));
  assert(later.status === "refused" && later.reason.includes("failed to sync"));
  assertEquals((await ledger.close(1)).status, "unknown");
  assertEquals((await ledger.progress(1)).status, "unknown");
  await assertRejects(() => ledger.settle(), FatalLedgerError);
  assertEquals(failures.length, 1);
  // The other server goes on: its own log works.
  assertEquals(await other.append(namedBatch("e")), STORED);
  assertEquals(await storedBets(other, 1), 6);
  await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "--clear-disk-failure");
  disk.remove(DISK_FAILURE_FILE);
  const { ledger: next } = await openLedger(disk.process());
  assertEquals(await next.append(namedBatch("f")), STORED);
  assertEquals(await storedBets(next, 1), 8);
});

Deno.test("openFileLedger() reports a damaged row by line and byte, and leaves the file as it is", async () => {
  const disk = new MemoryDisk();
  const content = "1,Ana,Paz,1,1980-01-01,1\nhello\n";
  disk.put("bets.csv", content);
  await assertRejects(() => openLedger(disk.process()), Error, "line 2, at byte 25");
  assertEquals(disk.text("bets.csv"), content);
});

Deno.test("FileLedger finishes the round in hand when it is disposed of", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const storing = ledger.append(namedBatch("a"));
  const disposed = ledger[Symbol.asyncDispose]();
  assertEquals(await storing, STORED);
  await disposed;
  assertEquals(rowsOf(disk).length, 2);
});

Deno.test("FileLedger counts a large file in slices, without holding the lock", async () => {
  const disk = new MemoryDisk();
  const row = "1,Ana,Paz,12345678,1980-01-01,7574\n";
  disk.put(BETS_FILE, row.repeat(100_000));
  let [longest, reads] = [0, 0];
  disk.fault = ({ kind, file }) => {
    if (file !== BETS_FILE) return undefined;
    if (kind === "tryLock") reads = 0;
    if (kind === "read") reads++;
    if (kind === "unlock") longest = Math.max(longest, reads);
  };
  const { ledger } = await openLedger(disk.process());
  assertEquals(await storedBets(ledger, 1), 100_000);
  // A read takes 256 KiB at most.
  assert(longest <= 6, `${longest} reads under the lock`);
});

Deno.test("FileLedger keeps the winners of every row", async () => {
  const disk = new MemoryDisk();
  const { ledger } = await openLedger(disk.process());
  const bets = Array.from({ length: 500 }, (_, at) => `A;B;${at};1980-01-01;7574`);
  await ledger.append(batchOf(`StoreBatch:2;${bets.join(":")}`));
  for (let agency = 1; agency <= 5; agency++) await ledger.close(agency);
  const pieces = await Array.fromAsync((await ledger.draw())!.winners(2));
  const text = pieces.map((piece) => new TextDecoder().decode(piece)).join(";");
  assertEquals(text.split(";"), bets.map((_, at) => String(at)));
});
