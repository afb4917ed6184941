/**
 * Disks that fail to sync, to unlock, or to hold more: what is acknowledged is stored, and a failure stops the
 * server that had it.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { namedBatch, openLedger, storedBets, usedDisk } from "../../testing/ledgers.ts";
import { MemoryDisk } from "../../testing/memory_disk.ts";
import { rowsOf } from "../../testing/witness.ts";
import { BETS_FILE, CLOSED_FILE, DISK_FAILURE_FILE } from "./volume_files.ts";

Deno.test("FileLedger does not take back bets that another server has counted in an answer", async () => {
  const disk = new MemoryDisk();
  const process = disk.process();
  const { ledger } = await openLedger(process);
  const { ledger: other } = await openLedger(disk.process());
  const hold = disk.hold("sync", BETS_FILE);
  const storing = ledger.append(namedBatch("d"));
  await hold.reached;
  assertEquals(await storedBets(other, 1), 2);
  disk.fault = (operation) =>
    operation.kind === "sync" && operation.file === BETS_FILE && operation.process === process
      ? { kind: "fail" }
      : undefined;
  hold.release();
  assertEquals((await storing).status, "unknown");
  disk.fault = () => undefined;
  assertEquals(rowsOf(disk).length, 2);
});

Deno.test("FileLedger leaves a note whichever sync fails", async () => {
  for (const file of [BETS_FILE, CLOSED_FILE]) {
    const disk = await usedDisk();
    const { ledger } = await openLedger(disk.process());
    disk.fault = (operation) =>
      operation.kind === "sync" && operation.file === file ? { kind: "fail" } : undefined;
    if (file === BETS_FILE) await ledger.append(namedBatch("d"));
    else await ledger.close(1);
    disk.fault = () => undefined;
    assertStringIncludes(disk.text(DISK_FAILURE_FILE), `Cannot sync ${file}`);
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
