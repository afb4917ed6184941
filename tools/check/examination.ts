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
  sizeBeforeHole,
  type Tail,
} from "../../server/ledger/file/recovery.ts";
import type { DurableMark, Round } from "../../server/ledger/file/round_journal.ts";
import { type BetsResult, checkBets } from "./bets_check.ts";
import { checkClosed, type ClosedResult } from "./closed_check.ts";
import { TruncatedError } from "./lines.ts";
import { type Loss, lossesOf } from "./losses.ts";
import { type Snapshot, VolumeReader } from "./volume_reader.ts";

/** How often to examine a volume whose files servers truncate meanwhile, which is rare. */
const ATTEMPTS_MAX = 3;

/** All findings about a volume. */
export interface Examination {
  snapshot: Snapshot;
  tail: Tail;
  /** Whether the torn end begins with a hole of zeros that a power cut has left. */
  hasHole: boolean;
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
  { readBets, readClosed }: VolumeReader,
  snapshot: Snapshot,
  { agencies }: Pick<ExamineOptions, "agencies">,
): Examination {
  const closed = checkClosed(readClosed, snapshot.closedSize ?? 0, agencies);
  const bets = examineBets(readBets, snapshot, { agencies, today: LAST_DAY });
  const losses = lossesOf(snapshot, { readClosed, lacksLineEnd: bets.lacksLineEnd });
  return { snapshot, ...bets, closed, losses };
}

/** Checks bets.csv as servers do when they start. */
function examineBets(read: ReadAt, { betsSize: size = 0, round, mark }: Snapshot, rules: RowRules) {
  const tail = inspectTail(size, round, { read, durableSize: mark.bets });
  if (tail.state === "shortened") return examineShortened(read, { tail, mark, rules });
  const hasHugeHole = endsInHugeHole(size, read);
  const sound = { hasHole: false, hasHugeHole, lacksLineEnd: false };
  const bets = checkBets(read, tail.wholeSize, rules);
  const wholeSize = sizeBeforeFault(bets, { read, size, round });
  if (wholeSize === undefined || wholeSize < mark.bets) return { ...sound, tail, bets };
  return {
    ...sound,
    tail: { state: "torn" as const, size, wholeSize },
    hasHole: true,
    bets: checkBets(read, wholeSize, rules),
  };
}

/** Returns the bytes before a hole if the first invalid row is one. */
function sizeBeforeFault(
  { faults }: BetsResult,
  options: { read: ReadAt; size: number; round: Round | undefined },
): number | undefined {
  const first = faults.first();
  return first === undefined ? undefined : sizeBeforeHole(first.offset, options);
}

/** Checks the rows that are left of a file that is smaller than it was. */
function examineShortened(
  read: ReadAt,
  { tail, mark, rules }: { tail: Tail; mark: DurableMark; rules: RowRules },
) {
  const { size } = tail;
  const { wholeSize } = inspectTail(size, undefined, { read });
  const row = new Uint8Array(Math.min(size - wholeSize, ROW_BYTES_MAX));
  read(row, wholeSize);
  const lacksLineEnd = size + 1 === mark.bets && size > wholeSize &&
    row.length < ROW_BYTES_MAX && explainRow(row, rules) === undefined;
  return {
    tail,
    hasHole: false,
    hasHugeHole: false,
    lacksLineEnd,
    bets: checkBets(read, wholeSize, rules),
  };
}

/** Returns whether nothing was truncated between two snapshots. */
function isStill(before: Snapshot, after: Snapshot): boolean {
  return before.round?.cuts === after.round?.cuts &&
    before.round?.recalls === after.round?.recalls &&
    (before.betsSize ?? 0) <= (after.betsSize ?? 0) &&
    (before.closedSize ?? 0) <= (after.closedSize ?? 0);
}
