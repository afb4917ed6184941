/**
 * Examines a whole volume while servers may be working on it.
 *
 * @module
 */

import { explainRow, LAST_DAY, ROW_BYTES_MAX, type RowRules } from "../../server/ledger/bet_row.ts";
import {
  endsInHugeHole,
  inspectTail,
  type ReadAt,
  type TailState,
} from "../../server/ledger/file/recovery.ts";
import type { RecoveryPlan } from "../../server/ledger/file/log_recovery.ts";
import { type BetsResult, checkBets } from "./bets_check.ts";
import { checkClosed, type ClosedResult } from "./closed_check.ts";
import { TruncatedError } from "./lines.ts";
import { type Loss, lossesOf } from "./losses.ts";
import { type Snapshot, VolumeReader } from "./volume_reader.ts";

/** How often to try to examine a volume if servers truncate its files meanwhile, which is rare. */
const ATTEMPTS_MAX = 3;

/** The end of bets.csv. */
export interface ExaminedTail {
  /** `unrecovered`: no server is running, and the next one rebuilds the end from the redo logs. */
  state: TailState | "unrecovered";
  /** Size of the file in bytes. */
  size: number;
  /** Bytes that count, now or after recovery. */
  wholeSize: number;
}

/** All findings about a volume. */
export interface Examination {
  snapshot: Snapshot;
  tail: ExaminedTail;
  /** What the next server writes and leaves out, if no server is running. */
  plan: RecoveryPlan | undefined;
  /** Whether bets.csv lacks its last line end and nothing else, which servers add. */
  lacksLineEnd: boolean;
  /** Whether bets.csv ends in more zeros than servers can have left. */
  hasHugeHole: boolean;
  /** What was durable and is missing. */
  losses: Loss[];
  bets: BetsResult;
  closed: ClosedResult;
}

/** Options of {@linkcode examine}. */
export interface ExamineOptions {
  /** AGENCIES_AMOUNT. */
  agencies: number;
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
export function examineFiles(
  { readBets, readRaw, readClosed, plan, contradiction }: VolumeReader,
  snapshot: Snapshot,
  { agencies }: Pick<ExamineOptions, "agencies">,
): Examination {
  const closed = checkClosed(readClosed, snapshot.closedSize ?? 0, agencies);
  const rules = { agencies, today: LAST_DAY };
  const bets = examineBets(readBets, { readRaw, snapshot, plan, rules });
  const { lacksLineEnd, hasHugeHole } = bets;
  const losses = lossesOf(snapshot, {
    readClosed,
    lacksLineEnd,
    contradiction: hasHugeHole ? undefined : contradiction,
  });
  return { snapshot, plan, ...bets, closed, losses };
}

/** Checks bets.csv as servers do when they start. */
function examineBets(
  read: ReadAt,
  { readRaw, snapshot, plan, rules }: {
    readRaw: ReadAt;
    snapshot: Snapshot;
    plan: RecoveryPlan | undefined;
    rules: RowRules;
  },
) {
  const { betsSize: size = 0, journal, durableSize } = snapshot;
  if (size < durableSize) return examineShortened(read, { size, durableSize, rules });
  const tail = plan === undefined
    ? inspectTail(size, journal.round ?? journal.earlier?.round, { read: readRaw, durableSize })
    : plannedTail(plan, { size, read: readRaw, snapshot });
  const hasHugeHole = endsInHugeHole(size, readRaw);
  const bets = checkBets(read, tail.wholeSize, rules);
  return { hasHugeHole, lacksLineEnd: false, tail, bets };
}

/** The end of a file of which no server is running. */
function plannedTail(
  { size: wholeSize, rounds, leftOut }: RecoveryPlan,
  { size, read, snapshot: { checkpoint: { last }, journal, durableSize } }: {
    size: number;
    read: ReadAt;
    snapshot: Snapshot;
  },
): ExaminedTail {
  // A volume of an earlier version is judged by its journal.
  if (last === undefined) return inspectTail(size, journal.earlier?.round, { read, durableSize });
  const isSettled = rounds.length === 0 && leftOut.length === 0;
  return { state: isSettled ? "whole" : "unrecovered", size, wholeSize };
}

/** Checks the rows that are left of a file that is smaller than it was. */
function examineShortened(
  read: ReadAt,
  { size, durableSize, rules }: { size: number; durableSize: number; rules: RowRules },
) {
  const { wholeSize } = inspectTail(size, undefined, { read });
  const row = new Uint8Array(Math.min(size - wholeSize, ROW_BYTES_MAX));
  read(row, wholeSize);
  const lacksLineEnd = size + 1 === durableSize && size > wholeSize &&
    row.length < ROW_BYTES_MAX && explainRow(row, rules) === undefined;
  return {
    tail: { state: "shortened" as const, size, wholeSize: size },
    hasHugeHole: false,
    lacksLineEnd,
    bets: checkBets(read, wholeSize, rules),
  };
}

/** Returns whether nothing was truncated between two snapshots. */
function isStill(before: Snapshot, after: Snapshot): boolean {
  const epochOf = ({ checkpoint: { last } }: Snapshot) => last?.epoch;
  return before.journal.round?.cuts === after.journal.round?.cuts &&
    epochOf(before) === epochOf(after) &&
    (before.betsSize ?? 0) <= (after.betsSize ?? 0) &&
    (before.closedSize ?? 0) <= (after.closedSize ?? 0);
}
