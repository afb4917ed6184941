/**
 * Examines a whole volume while servers may be working on it.
 *
 * @module
 */

import type { RowRules } from "../../server/ledger/file/bet_row.ts";
import { inspectTail, type Tail } from "../../server/ledger/file/recovery.ts";
import { type BetsResult, checkBets } from "./bets_check.ts";
import { checkClosed, type ClosedResult } from "./closed_check.ts";
import { TruncatedError } from "./lines.ts";
import { type Snapshot, VolumeReader } from "./volume_reader.ts";

/** How often to examine a volume whose files servers truncate meanwhile, which is rare. */
const ATTEMPTS_MAX = 3;

/** All findings about a volume. */
export interface Examination {
  snapshot: Snapshot;
  tail: Tail;
  bets: BetsResult;
  closed: ClosedResult;
}

/** Options of {@linkcode examine}. */
export interface ExamineOptions extends RowRules {
  /** How long to wait for the lock. */
  waitMs: number;
}

/**
 * Checks a volume as it is at one moment. Servers wait only while two sizes and the journal are
 * read.
 *
 * @throws {LockedError} If the lock is not obtained in time.
 */
export async function examine(path: string, options: ExamineOptions): Promise<Examination> {
  return await readAtOneMoment(path, {
    waitMs: options.waitMs,
    read: (volume, snapshot) => examineFiles(volume, snapshot, options),
  });
}

/** Options of {@linkcode readAtOneMoment}. */
export interface ReadOptions<Result> {
  /** How long to wait for the lock. */
  waitMs: number;
  /** Reads what the snapshot covers. It may be called again. */
  read: (volume: VolumeReader, snapshot: Snapshot) => Result | Promise<Result>;
}

/**
 * Reads a volume as it is at one moment, while servers may be writing.
 *
 * @throws {LockedError} If the lock is not obtained in time.
 */
export async function readAtOneMoment<Result>(
  path: string,
  { waitMs, read }: ReadOptions<Result>,
): Promise<Result> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    using volume = new VolumeReader(path);
    const snapshot = await volume.snapshot(waitMs);
    try {
      const result = await read(volume, snapshot);
      // Bytes that were truncated and written again in the meantime would look like damage.
      if (isStill(snapshot, await volume.snapshot(waitMs))) return result;
    } catch (error) {
      if (!(error instanceof TruncatedError)) throw error;
    }
  }
  throw new Error(
    `Cannot check ${path}: its files were truncated ${ATTEMPTS_MAX} times while they were read. ` +
      "See the servers' logs for the reason, or stop the servers and check again",
  );
}

/** Checks what the snapshot covers. @throws {TruncatedError} If a file was truncated meanwhile. */
function examineFiles(
  { readBets, readClosed }: VolumeReader,
  snapshot: Snapshot,
  options: ExamineOptions,
): Examination {
  const tail = inspectTail(snapshot.betsSize ?? 0, snapshot.round, { read: readBets });
  return {
    snapshot,
    tail,
    bets: checkBets(readBets, tail.wholeSize, options),
    closed: checkClosed(readClosed, snapshot.closedSize ?? 0, options.agencies),
  };
}

/** Returns whether nothing was truncated between two snapshots. */
function isStill(before: Snapshot, after: Snapshot): boolean {
  return before.round?.cuts === after.round?.cuts &&
    (before.betsSize ?? 0) <= (after.betsSize ?? 0) &&
    (before.closedSize ?? 0) <= (after.closedSize ?? 0);
}
