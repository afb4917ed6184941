/**
 * Truncates the torn end of bets.csv, as a server would, after copying it to another file.
 *
 * @module
 */

import { type Disk, type DiskFile, FolderDisk } from "../../server/ledger/disk.ts";
import { inspectTail } from "../../server/ledger/file/recovery.ts";
import { type Round, RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { copyTail } from "../../server/ledger/file/side_copy.ts";
import { BETS_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { lockWithin, readJournal } from "./volume_reader.ts";

/** Options of {@linkcode repairTail}. */
export interface RepairOptions {
  /** How long to wait for the lock. */
  waitMs: number;
  /** The time in the name of the side file. @default {Date.now} */
  now?: () => number;
  /** The folder at the path. @default {the real one} */
  disk?: Disk;
}

/** What a repair has changed. */
export interface Repair {
  /** Name of the file with the bytes that were truncated; nothing if there were none. */
  side?: string;
  /** How many bytes were truncated. */
  cutBytes: number;
  /** Bytes that are left. */
  size: number;
  /** Whether the journal was rewritten. */
  wroteJournal: boolean;
}

/**
 * Truncates what servers would truncate, and rewrites the journal as they would.
 *
 * An interrupted repair can be repeated at any point: the copy is complete and durable before
 * anything is truncated, and no copy is ever overwritten.
 *
 * @throws {LockedError} If the lock is not obtained in time.
 */
export async function repairTail(path: string, options: RepairOptions): Promise<Repair> {
  const disk = options.disk ?? new FolderDisk(path);
  const bets = disk.open(BETS_FILE);
  try {
    await lockWithin(bets.lock(), { waitMs: options.waitMs, path });
    try {
      return repairLocked({ path, disk, bets }, options);
    } finally {
      bets.unlock();
    }
  } finally {
    bets.close();
  }
}

interface LockedVolume {
  path: string;
  disk: Disk;
  bets: DiskFile;
}

function repairLocked(
  { path, disk, bets }: LockedVolume,
  { now = Date.now }: RepairOptions,
): Repair {
  const { round, mark } = readJournal(path);
  const size = bets.size();
  const { state, wholeSize } = inspectTail(size, round, {
    read: (bytes, position) => bets.read(bytes, position),
    durableSize: mark.bets,
  });
  if (state === "shortened" || wholeSize < mark.bets) {
    throw new Error(`durable bytes of ${BETS_FILE} are missing. Nothing was changed. Check again`);
  }
  const isTorn = wholeSize < size;
  // Servers rewrite the journal in the same cases.
  const isDue = isTorn || round === undefined || size < round.to;
  if (!isDue) return { cutBytes: 0, size, wroteJournal: false };
  const side = isTorn ? copyTail(disk, bets, { from: wholeSize, nowMs: now() }) : undefined;
  if (isTorn) {
    bets.truncate(wholeSize);
    // A power cut must not restore the torn end while the journal does not know of it.
    bets.syncNow();
  }
  recordCut(disk, { size: wholeSize, round, side });
  return { side, cutBytes: size - wholeSize, size: wholeSize, wroteJournal: true };
}

function recordCut(
  disk: Disk,
  { size, round, side }: { size: number; round: Round | undefined; side: string | undefined },
): void {
  try {
    const journal = new RoundJournal(disk.open(JOURNAL_FILE));
    try {
      // So that it keeps its mark.
      journal.read();
      const { cuts, recalls } = round ?? { cuts: 0, recalls: 0 };
      journal.recordCut(size, { cuts: cuts + 1, recalls });
    } finally {
      journal.close();
    }
    disk.syncFolder();
  } catch (cause) {
    const done = side === undefined ? "" : `The torn bytes were copied to ${side} and truncated. `;
    throw new Error(
      `Cannot write ${JOURNAL_FILE}: ${(cause as Error).message}. ${done}` +
        "Fix that (a full disk needs room), then repeat",
      { cause },
    );
  }
}
