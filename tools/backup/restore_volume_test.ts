/**
 * A restored ledger begins a new epoch: records of the volume before count no more, even if a power cut brings a
 * redo log of it back.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { FolderDisk } from "../../server/ledger/disk.ts";
import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import { parseCheckpoint } from "../../server/ledger/file/checkpoint_file.ts";
import { BETS_FILE, CHECKPOINT_FILE, LOG_PREFIX } from "../../server/ledger/file/volume_files.ts";
import { namedBatch, openLedger } from "../../server/testing/ledgers.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { backupVolume } from "./backup_volume.ts";
import { restoreVolume } from "./restore_volume.ts";

/** Longer than any lock is held. */
const WAIT_MS = 5000;

/** Stores a batch; the server is killed afterwards unless it ends in order. Returns its redo log. */
async function store(volume: string, name: string, { isKilled = true } = {}) {
  const { ledger } = await openLedger(new FolderDisk(volume));
  assertEquals((await ledger.append(namedBatch(name))).status, "stored");
  const [logName] = new FolderDisk(volume).list(LOG_PREFIX);
  const log = { name: logName, bytes: await Deno.readFile(`${volume}/${logName}`) };
  if (isKilled) ledger.closeFiles();
  else await ledger[Symbol.asyncDispose]();
  return log;
}

/** Starts a server, which is killed at once. */
async function start(volume: string): Promise<void> {
  const { ledger } = await openLedger(new FolderDisk(volume));
  ledger.closeFiles();
}

async function hasBatch(volume: string, name: string): Promise<boolean> {
  return (await Deno.readTextFile(`${volume}/${BETS_FILE}`)).includes(`,${name}-`);
}

async function epochOf(folder: string): Promise<number> {
  return parseCheckpoint(await Deno.readFile(`${folder}/${CHECKPOINT_FILE}`)).last!.epoch;
}

/**
 * Restores a backup to a volume that has stored more since, after so many starts, and brings the last redo log
 * back: before a server starts, or after one was killed.
 *
 * @param keepsEpoch Whether the epoch stays that of the backup.
 */
async function restoreWithOldLog(
  folder: string,
  { starts, isLate, keepsEpoch }: { starts: number; isLate: boolean; keepsEpoch: boolean },
): Promise<string> {
  const [volume, backup] = [`${folder}/volume`, `${folder}/backup`];
  await store(volume, "a", { isKilled: false });
  await backupVolume(volume, { to: backup, waitMs: WAIT_MS });
  for (let count = 1; count < starts; count++) await start(volume);
  const log = await store(volume, "b");
  const before = await epochOf(volume);
  await restoreVolume(volume, { from: backup, archives: true, waitMs: WAIT_MS });
  if (keepsEpoch) {
    await Deno.copyFile(`${backup}/${CHECKPOINT_FILE}`, `${volume}/${CHECKPOINT_FILE}`);
  } else assertEquals(await epochOf(volume) > before, true);
  if (isLate) await start(volume);
  await Deno.writeFile(`${volume}/${log.name}`, log.bytes);
  return volume;
}

Deno.test("restoreVolume() begins a new epoch: a record of the volume before does not come back", async () => {
  for (const starts of [1, 2, 3]) {
    for (const isLate of [false, true]) {
      await using folder = tempFolder();
      const volume = await restoreWithOldLog(folder.path, { starts, isLate, keepsEpoch: false });
      await start(volume);
      assertEquals(await hasBatch(volume, "a"), true);
      assertEquals(await hasBatch(volume, "b"), false);
      // Its agency sends it again.
      await store(volume, "b");
      await start(volume);
      const text = await Deno.readTextFile(`${volume}/${BETS_FILE}`);
      assertEquals(text.split(",b-").length - 1, 2);
    }
  }
});

Deno.test("A record of the volume before comes back, or keeps servers from starting, where restoring keeps the epoch", async () => {
  await using one = tempFolder();
  const early = { starts: 1, isLate: false, keepsEpoch: true };
  const refused = await restoreWithOldLog(one.path, early);
  await assertRejects(() => start(refused), FatalLedgerError, "are newer than");
  await using two = tempFolder();
  const late = { starts: 2, isLate: true, keepsEpoch: true };
  const doubled = await restoreWithOldLog(two.path, late);
  await start(doubled);
  assertEquals(await hasBatch(doubled, "b"), true);
});
