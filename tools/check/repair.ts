/**
 * Recovers a volume on which no server is running, as the next server would: the end of bets.csv is rebuilt from
 * the redo logs, and what is left out is copied to another file before.
 *
 * @module
 */

import { AGENCIES_MAX } from "../../shared/bet.ts";
import { openLog, SERVER_LEVELS } from "../../shared/logging.ts";
import { LAST_DAY } from "../../server/ledger/bet_row.ts";
import { CheckpointFile } from "../../server/ledger/file/checkpoint_file.ts";
import { type Disk, type DiskFile, FolderDisk } from "../../server/ledger/disk.ts";
import { findLogs } from "../../server/ledger/file/log_files.ts";
import { inspectTail } from "../../server/ledger/file/recovery.ts";
import { RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { recoverVolume, type VolumeFiles } from "../../server/ledger/file/volume_recovery.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../../server/ledger/file/volume_files.ts";
import { TaskError, unlessNotFound } from "../project.ts";
import { lockWithin, lotteryOf } from "./volume_reader.ts";

/** Options of {@linkcode repairVolume}. */
export interface RepairOptions {
  /** How long to wait for the lock. */
  waitMs: number;
  /** The volume as a disk. @default {the folder} */
  disk?: Disk;
}

/** What was done. */
export interface Repair {
  /** The copy of what was truncated; nothing if nothing was. */
  copy?: string;
  /** How many bytes were left out of bets.csv. */
  cutBytes: number;
  /** Bytes that are left. */
  size: number;
}

/**
 * Recovers a volume. An interrupted repair can be repeated at any point: what is left out is copied durably
 * before, and the redo logs stay until bets.csv is durable.
 *
 * @returns What was done; nothing if there was nothing to do.
 * @throws {LockedError} If the lock is not obtained in time.
 * @throws {TaskError} If a server is running.
 * @throws {FatalLedgerError} If the volume cannot be recovered. Nothing was changed then.
 */
export async function repairVolume(
  path: string,
  { waitMs, disk = new FolderDisk(path) }: RepairOptions,
): Promise<Repair | undefined> {
  const [bets, journal, checkpoint] = [BETS_FILE, JOURNAL_FILE, CHECKPOINT_FILE]
    .map((name) => disk.open(name));
  try {
    await lockWithin(bets.lock(), { waitMs, path });
    const identity = await unlessNotFound(Deno.readTextFile(`${path}/${IDENTITY_FILE}`));
    const files = {
      disk,
      bets,
      journal: new RoundJournal(journal),
      checkpoint: new CheckpointFile(checkpoint),
    };
    return await repairLocked(files, lotteryOf(identity));
  } finally {
    // This releases the lock.
    for (const file of [bets, journal, checkpoint]) file.close();
  }
}

async function repairLocked(
  files: VolumeFiles,
  lottery: string | undefined,
): Promise<Repair | undefined> {
  const { live, dead: logs } = findLogs(files.disk);
  if (live.length > 0) {
    throw new TaskError("a server is running, and repairs by itself. Nothing was changed");
  }
  const { last } = files.checkpoint.read();
  const isDone = last?.isClean === true && logs.length === 0 && isWhole(files.bets);
  if (isDone || isNew(files)) return undefined;
  const { cutBytes, copy } = await recoverVolume(files, {
    logs,
    lottery,
    rules: { agencies: AGENCIES_MAX, today: LAST_DAY },
    log: openLog({ levels: SERVER_LEVELS, level: "CRITICAL", sink: () => {} }),
    isClean: true,
    cutsHugeHole: true,
  });
  return { size: files.bets.size(), cutBytes, copy };
}

function isWhole(bets: DiskFile): boolean {
  const size = bets.size();
  return inspectTail(size, undefined, { read: bets.read.bind(bets) }).wholeSize === size;
}

function isNew({ bets, checkpoint }: { bets: DiskFile; checkpoint: CheckpointFile }): boolean {
  return bets.size() === 0 && checkpoint.read().last === undefined;
}

/** Recovers a volume before its files are moved, if it has ever been used by servers with redo logs. */
export async function recoverBeforeMove(path: string, waitMs: number): Promise<void> {
  if (await unlessNotFound(Deno.stat(`${path}/${CHECKPOINT_FILE}`)) === undefined) return;
  await repairVolume(path, { waitMs });
}
