/**
 * Copies a ledger in files to a folder from which servers can start, while servers go on storing bets.
 *
 * @module
 */

import { FolderDisk, readFully, writeAll } from "../../server/ledger/disk.ts";
import { isComplete, parseIdentity } from "../../server/ledger/file/lottery_identity.ts";
import { CheckpointFile, NO_KNOWN_ROWS } from "../../server/ledger/file/checkpoint_file.ts";
import { checksumOf } from "../../server/ledger/file/fixed_line.ts";
import { RoundJournal } from "../../server/ledger/file/round_journal.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  CLOSED_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../../server/ledger/file/volume_files.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { examineFiles, readAtOneMoment } from "../check/examination.ts";
import type { Snapshot } from "../check/volume_reader.ts";
import { ExportFolder } from "../export/export_folder.ts";
import { copyRows } from "../export/export_volume.ts";
import { copyAudit, copyCertificate, copyDurably } from "../record/record_copy.ts";
import { TaskError, unlessNotFound } from "../project.ts";

/** What a backup holds. */
export interface BackupResult {
  bets: number;
  closed: number;
  /** Faults of what is stored, which the backup has as well. */
  faults: number;
}

/**
 * Writes a backup: all that was acknowledged before, at one moment. It is durable, and appears whole or not at
 * all.
 *
 * @param to The folder of the backup. It must be missing or empty.
 * @throws {TaskError} If there is nothing to back up, or `to` has something already.
 * @throws {LockedError} If the lock is not obtained within `waitMs`.
 */
export async function backupVolume(
  volume: string,
  { to, waitMs }: { to: string; waitMs: number },
): Promise<BackupResult> {
  await assertFree(to);
  const unfinished = `${to}.unfinished-${crypto.randomUUID().slice(0, 8)}`;
  try {
    const result = await writeBackup(volume, unfinished, waitMs);
    await Deno.rename(unfinished, to);
    new FolderDisk(parentOf(to)).syncFolder();
    return result;
  } catch (error) {
    await unlessNotFound(Deno.remove(unfinished, { recursive: true }));
    throw error;
  }
}

async function assertFree(to: string): Promise<void> {
  const entries = await unlessNotFound(Array.fromAsync(Deno.readDir(to))) ?? [];
  if (entries.length === 0) return;
  throw new TaskError(
    `Cannot write a backup to ${to}: it is not empty, and nothing is overwritten. Give another folder with --to`,
  );
}

function parentOf(path: string): string {
  return path.replace(/\/+$/, "").replace(/[^/]+$/, "") || ".";
}

async function writeBackup(volume: string, to: string, waitMs: number): Promise<BackupResult> {
  await using folder = await ExportFolder.open(to);
  const { snapshot, ...result } = await readAtOneMoment(volume, {
    waitMs,
    read: (reader, snapshot) => {
      const identity = identityOf(volume, snapshot);
      const found = examineFiles(reader, snapshot, identity);
      folder.bets.restart();
      folder.closed.restart();
      copyRows(reader.readBets, { to: found.tail.wholeSize, file: folder.bets });
      // As it is, unlike in an export: the certificate has its digest.
      const closed = new Uint8Array(snapshot.closedSize ?? 0);
      readFully({ read: reader.readClosed }, closed, 0);
      folder.closed.write(closed.subarray(0, closed.lastIndexOf(LINE_FEED) + 1));
      const faults = found.bets.faults.count + found.closed.faults.count + found.losses.length;
      return { snapshot, bets: found.bets.rows, closed: found.closed.count, faults };
    },
  });
  await folder.finish();
  await writeState(to, snapshot);
  await copyCertificate(volume, to, identityOf(volume, snapshot).id);
  // After the certificate, which anchors lines of it.
  await copyAudit(volume, to, copyDurably);
  new FolderDisk(to).syncFolder();
  return result;
}

function identityOf(volume: string, { identity }: Snapshot) {
  if (identity !== undefined && isComplete(identity)) return parseIdentity(identity);
  throw new TaskError(
    `There is nothing to back up on ${volume}: it has no ${IDENTITY_FILE}, which the first server writes`,
  );
}

/** Writes the identity, a journal, and a checkpoint that knows all of the backup to be durable. */
async function writeState(folder: string, snapshot: Snapshot): Promise<void> {
  const disk = new FolderDisk(folder);
  const closed = Deno.readFileSync(`${folder}/${CLOSED_FILE}`);
  const { size } = Deno.statSync(`${folder}/${BETS_FILE}`);
  await writeCheckpoint(disk, { epoch: snapshot.checkpoint.last?.epoch ?? 0, size });
  const file = disk.open(JOURNAL_FILE);
  const journal = new RoundJournal(file);
  journal.begin({ epoch: 0, from: size, to: size, cuts: 0 }, {
    closed: closed.length,
    closedSum: checksumOf(closed),
  });
  file.syncNow();
  journal.close();
  const identityFile = disk.open(IDENTITY_FILE);
  writeAll(identityFile, new TextEncoder().encode(snapshot.identity!), 0);
  identityFile.syncNow();
  identityFile.close();
}

/** Writes the checkpoint of a ledger that no server uses, in an epoch after the given one. */
export async function writeCheckpoint(
  disk: FolderDisk,
  { epoch, size }: { epoch: number; size: number },
): Promise<void> {
  const file = disk.open(CHECKPOINT_FILE);
  try {
    file.truncate(0);
    const checkpoint = new CheckpointFile(file);
    checkpoint.announce(undefined);
    const known = NO_KNOWN_ROWS;
    await checkpoint.record({ sequence: 1, epoch: epoch + 1, size, isClean: true, known });
  } finally {
    file.close();
  }
}
