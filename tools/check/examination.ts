/**
 * A look at a whole volume, while servers may be at work on it.
 *
 * @module
 */

import { inspectTail, type ReadAt, type Tail } from "../../server/ledger/file/recovery.ts";
import type { RowRules } from "./bet_rows.ts";
import { type BetsResult, checkBets } from "./bets_check.ts";
import { checkClosed, type ClosedResult } from "./closed_check.ts";
import { FileCutError } from "./lines.ts";
import { readAt, type Snapshot, Volume } from "./volume.ts";

/** How often a look is begun anew because a server has cut a file meanwhile, which is rare. */
const LOOKS_MAX = 3;

/** All that was found on a volume. */
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
 * Checks a volume. Servers wait for as long as it takes to look at two sizes and a journal; what is
 * read then is what they had written by that time.
 *
 * @throws {LockedError} If the lock was not to be had.
 */
export async function examine(path: string, options: ExamineOptions): Promise<Examination> {
  for (let look = 1; look <= LOOKS_MAX; look++) {
    using volume = new Volume(path);
    const snapshot = await volume.snapshot(options.waitMs);
    const found = examineFiles(volume, snapshot, options);
    // What was cut and written anew behind our back would look like damage.
    if (found !== undefined && isStill(snapshot, await volume.snapshot(options.waitMs))) {
      return found;
    }
  }
  throw new Error(
    `Cannot check ${path}: its files were cut ${LOOKS_MAX} times while they were read. ` +
      "Look at the servers' logs for why they cut so often, or check again when they are stopped",
  );
}

function examineFiles(
  volume: Volume,
  snapshot: Snapshot,
  options: ExamineOptions,
): Examination | undefined {
  const readBets = reader(volume.bets);
  try {
    const tail = inspectTail(snapshot.betsSize ?? 0, snapshot.round, { read: readBets });
    return {
      snapshot,
      tail,
      bets: checkBets(readBets, tail.wholeSize, options),
      closed: checkClosed(reader(volume.closed), snapshot.closedSize ?? 0, options.agencies),
    };
  } catch (error) {
    if (error instanceof FileCutError) return undefined;
    throw error;
  }
}

function isStill(before: Snapshot, after: Snapshot): boolean {
  return before.round?.cuts === after.round?.cuts &&
    (before.betsSize ?? 0) <= (after.betsSize ?? 0) &&
    (before.closedSize ?? 0) <= (after.closedSize ?? 0);
}

function reader(file: Deno.FsFile | undefined): ReadAt {
  return file === undefined ? () => 0 : readAt(file);
}
