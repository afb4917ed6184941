/**
 * Puts the ledger of a backup onto a volume. Nothing that is there is overwritten or deleted.
 *
 * @module
 */

import { parseCheckpoint } from "../../server/ledger/file/checkpoint_file.ts";
import { FolderDisk } from "../../server/ledger/disk.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  CLOSED_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../../server/ledger/file/volume_files.ts";
import { type Examination, examine } from "../check/examination.ts";
import { processesWith } from "../check/file_users.ts";
import { VolumeReader } from "../check/volume_reader.ts";
import { TASK, TaskError, unlessNotFound } from "../project.ts";
import { readIdentity } from "../record/volume_identity.ts";
import { archiveDraw } from "../record/ledger_archive.ts";
import { copyAudit, copyCertificate, copyDurably } from "../record/record_copy.ts";
import { writeCheckpoint } from "./backup_volume.ts";

/**
 * The files of a ledger, in the order in which they appear. While bets are missing that the checkpoint knows, no
 * server starts, so that an interrupted restore cannot be mistaken for an empty lottery.
 */
const FILES = [CHECKPOINT_FILE, JOURNAL_FILE, IDENTITY_FILE, CLOSED_FILE, BETS_FILE] as const;
/** What a backup has. One of an earlier version has no checkpoint. */
const BACKUP_FILES = FILES.filter((name) => name !== CHECKPOINT_FILE);

/** A folder of the volume that begins with this is one that is being copied. */
export const RESTORE_PREFIX = ".restore-";

/** Options of {@linkcode restoreVolume}. */
export interface RestoreOptions {
  /** The folder of the backup. */
  from: string;
  /** Whether a ledger that is on the volume moves to its archive. */
  archives: boolean;
  /** How long to wait for the lock of the backup. */
  waitMs: number;
}

/** What was restored. */
export interface RestoreResult {
  bets: number;
  closed: number;
  /** The folder of the former ledger, relative to the volume; nothing if there was none. */
  archived: string | undefined;
}

/**
 * Restores a backup.
 *
 * @throws {TaskError} If the backup is incomplete or damaged, the volume is in use, or holds a ledger that must
 * not be moved.
 */
export async function restoreVolume(
  volume: string,
  { from, archives, waitMs }: RestoreOptions,
): Promise<RestoreResult> {
  const { bets, closed, id } = await examineBackup(from, waitMs);
  await Deno.mkdir(volume, { recursive: true });
  assertUnused(volume);
  const isTaken = await hasLedger(volume);
  if (isTaken && !archives) {
    throw new TaskError(
      `Cannot restore to ${volume}: it holds a ledger, which is never overwritten. Add --archive to move that ` +
        "into its archive first",
    );
  }
  const unfinished = `${volume}/${RESTORE_PREFIX}${crypto.randomUUID()}`;
  await Deno.mkdir(unfinished);
  try {
    for (const name of BACKUP_FILES) await copyDurably(`${from}/${name}`, `${unfinished}/${name}`);
    const { size } = await Deno.stat(`${unfinished}/${BETS_FILE}`);
    // Redo logs of either count no more.
    const epoch = Math.max(await epochOf(from), await epochOf(volume));
    await writeCheckpoint(new FolderDisk(unfinished), { epoch, size });
    assertUnused(volume);
    const archived = isTaken ? await archiveDraw(volume) : undefined;
    for (const name of FILES) {
      // Unlike a rename, a link fails if a server has made the file meanwhile.
      await Deno.link(`${unfinished}/${name}`, `${volume}/${name}`);
    }
    new FolderDisk(volume).syncFolder();
    await copyCertificate(from, volume, id);
    await copyAudit(from, volume, copyDurably);
    return { bets, closed, archived };
  } finally {
    await Deno.remove(unfinished, { recursive: true });
  }
}

/** The last epoch of a ledger; 0 if there is none. */
async function epochOf(folder: string): Promise<number> {
  const bytes = await unlessNotFound(Deno.readFile(`${folder}/${CHECKPOINT_FILE}`));
  return parseCheckpoint(bytes ?? new Uint8Array()).last?.epoch ?? 0;
}

/** Whether any file of a ledger is on the volume and has content. */
async function hasLedger(volume: string): Promise<boolean> {
  const infos = await Promise.all(
    FILES.map((name) => unlessNotFound(Deno.stat(`${volume}/${name}`))),
  );
  return infos.some((info) => info !== undefined);
}

/** @throws {TaskError} If a process has the files of the volume open. */
function assertUnused(volume: string): void {
  using reader = new VolumeReader(volume);
  const [process] = processesWith(reader.files());
  if (process === undefined) return;
  throw new TaskError(`${process} uses ${volume}. Nothing was changed. Stop all servers first`);
}

async function examineBackup(
  from: string,
  waitMs: number,
): Promise<{ bets: number; closed: number; id: string }> {
  for (const name of BACKUP_FILES) {
    if (await unlessNotFound(Deno.stat(`${from}/${name}`)) !== undefined) continue;
    throw new TaskError(`Cannot restore ${from}: ${name} is missing, so it is not a whole backup`);
  }
  const identity = await readIdentity(from);
  if (identity === undefined) {
    throw new TaskError(`Cannot restore ${from}: its ${IDENTITY_FILE} is damaged`);
  }
  const found = await examine(from, { agencies: identity.agencies, waitMs });
  const fault = faultOf(found);
  if (fault !== undefined) {
    throw new TaskError(
      `Cannot restore ${from}: ${fault}. Nothing was changed. See ${TASK} check --volume ${from}`,
    );
  }
  return { bets: found.bets.rows, closed: found.closed.count, id: identity.id };
}

/** What keeps servers from starting with a backup. */
function faultOf({ losses, bets, closed }: Examination): string | undefined {
  if (losses.length > 0) return losses[0].text;
  if (bets.faults.count > 0) return `${bets.faults.count} rows of ${BETS_FILE} are not valid bets`;
  if (closed.faults.count > 0) return `${closed.faults.count} lines of ${CLOSED_FILE} are damaged`;
}
