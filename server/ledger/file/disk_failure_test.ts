/**
 * Disks that fail to sync, to unlock, or to hold more: what is acknowledged is stored, and a failure stops the
 * server that had it.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { namedBatch, openLedger, storedBets, usedDisk } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  LOG_PREFIX,
} from "./volume_files.ts";

Deno.test("FileLedger keeps what another server has counted in an answer, whichever sync fails", async () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const { ledger } = await openLedger(process);
  const { ledger: other } = await openLedger(disk.process());
  await ledger.append(namedBatch("c"));
  disk.fault = (operation) =>
    operation.kind === "sync" && operation.file === LOG_PREFIX && operation.process === process
      ? { kind: "fail" }
      : undefined;
  assertEquals((await ledger.append(namedBatch("d"))).status, "unknown");
  assertEquals(await storedBets(other, 1), 4);
  for (const left of disk.afterPowerCut()) {
    left.remove(DISK_FAILURE_FILE);
    assertEquals(await storedBets((await openLedger(left.process())).ledger, 1), 4);
  }
});

Deno.test("FileLedger leaves a note whichever sync fails", async () => {
  for (const file of [LOG_PREFIX, BETS_FILE, CHECKPOINT_FILE, CLOSED_FILE]) {
    const disk = await usedDisk();
    const { ledger } = await openLedger(disk.process());
    const { ledger: other } = await openLedger(disk.process());
    await other.append(namedBatch("other"));
    disk.fault = (operation) =>
      operation.kind === "sync" && operation.file === file ? { kind: "fail" } : undefined;
    if (file === LOG_PREFIX) await ledger.append(namedBatch("d"));
    else if (file === CLOSED_FILE) await ledger.close(1);
    else await ledger.progress(1);
    disk.fault = () => undefined;
    assertStringIncludes(disk.text(DISK_FAILURE_FILE), `Cannot sync ${file}`);
    // Until an operator clears the note, no server starts.
    await assertRejects(() => openLedger(disk.process()), FatalLedgerError, "has failed before");
  }
});

/** Opens a ledger that cannot unlock one of its files, from the moment that is returned with it. */
async function openUnableToUnlock(disk: MemoryDisk, name: string) {
  const process = disk.process();
  const open = process.open.bind(process);
  let breakIt = () => {};
  process.open = (opened) => {
    const file = open(opened);
    const unlock = () => {
      throw new Error("Input/output error (os error 5)");
    };
    if (opened === name) breakIt = () => Object.assign(file, { unlock });
    return file;
  };
  return { ...await openLedger(process), process, breakIt: () => breakIt() };
}

Deno.test("FileLedger acknowledges a stored batch although it cannot unlock bets.csv, and fails", async () => {
  const disk = await usedDisk();
  const { ledger, failures, breakIt, process } = await openUnableToUnlock(disk, BETS_FILE);
  breakIt();
  assertEquals((await ledger.append(namedBatch("d"))).status, "stored");
  assertEquals(rowsOf(disk).length, 11);
  assertEquals(failures.length, 1);
  assertStringIncludes(failures[0].message, "Cannot unlock bets.csv");
  assertEquals((await ledger.append(namedBatch("e"))).status, "refused");
  process.kill();
  const next = await openLedger(disk.process());
  assertEquals(await storedBets(next.ledger, 1), 11);
});

Deno.test("FileLedger closes an agency although it cannot unlock agencies_closed.txt, and fails", async () => {
  const disk = await usedDisk();
  const { ledger, failures, breakIt } = await openUnableToUnlock(disk, CLOSED_FILE);
  breakIt();
  assertEquals(await ledger.close(2), { status: "closed", repeated: false });
  assertEquals(failures.length, 1);
  assertStringIncludes(failures[0].message, "Cannot unlock agencies_closed.txt");
});

Deno.test("FileLedger on a full disk costs other servers no reading", async () => {
  const disk = await usedDisk();
  const [full, other] = [await openLedger(disk.process()), await openLedger(disk.process())];
  await other.ledger.progress(1);
  disk.capacity = disk.used + 10;
  assertEquals((await full.ledger.append(namedBatch("d", { count: 9 }))).status, "refused");
  disk.capacity = Infinity;
  const reads: string[] = [];
  disk.fault = ({ kind, file }) => void (kind === "read" && reads.push(file));
  assertEquals(await storedBets(other.ledger, 1), 9);
  assertEquals(reads.filter((file) => file === BETS_FILE), []);
});

Deno.test("openFileLedger() fills its log under the lock of bets.csv: it may take all the room for a moment", async () => {
  const disk = new MemoryDisk();
  const other = disk.process().open(BETS_FILE);
  let writes = 0;
  let isFree = false;
  disk.fault = ({ kind, file }) => {
    if (kind !== "write" || !file.startsWith("bets.csv.log")) return undefined;
    writes++;
    isFree ||= other.tryLock();
    return undefined;
  };
  await openLedger(disk.process());
  assert(writes > 0);
  assert(!isFree, "another server could have met a full disk");
});
