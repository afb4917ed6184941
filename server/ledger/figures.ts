/**
 * What an engine counts about its work, for operators.
 *
 * All figures are numbers that are updated in place: counting a batch allocates nothing, so it costs agencies
 * nothing.
 *
 * @module
 */

/** Upper bounds of the buckets for durations, in seconds. The first ones are those of a fast disk. */
const DURATION_BOUNDS: readonly number[] = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01],
  ...[0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
];
/** Upper bounds of the buckets for the number of batches in a round. */
const ROUND_BOUNDS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/**
 * Why an engine refuses a batch.
 *
 * - `closed`: the agency has closed.
 * - `count`: the agency has other bets than its sender believes.
 * - `disk`: the bets cannot be written.
 * - `other`: anything else, for example because the ledger has failed before.
 */
const REFUSAL_REASONS = ["closed", "count", "disk", "other"] as const;
export type RefusalReason = typeof REFUSAL_REASONS[number];

/** Counts values in buckets of fixed bounds. */
export class Histogram {
  /** Ascending. A value counts in the first bucket whose bound it does not exceed. */
  readonly bounds: readonly number[];
  /** How many values are in each bucket; the last one takes what exceeds all bounds. */
  readonly counts: Float64Array;
  /** The sum of all values. */
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Counts a value. */
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]) bucket++;
    this.counts[bucket]++;
    this.sum += value;
  }

  /** How many values were counted. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }
}

/**
 * Estimates a quantile of what a histogram has counted, as Prometheus does: values are taken to be spread
 * evenly within their bucket.
 *
 * @param counts As {@linkcode Histogram.counts}; all of them, or those of some time.
 * @param quantile From 0 to 1.
 * @returns The largest bound for what exceeds it; nothing if nothing was counted.
 */
export function quantileOf(
  bounds: readonly number[],
  counts: ArrayLike<number>,
  quantile: number,
): number | undefined {
  let total = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket];
  if (total === 0) return undefined;
  let rank = quantile * total;
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    const below = bucket === 0 ? 0 : bounds[bucket - 1];
    if (counts[bucket] > 0 && rank <= counts[bucket]) {
      return below + (bounds[bucket] - below) * rank / counts[bucket];
    }
    rank -= counts[bucket];
  }
  return bounds.at(-1);
}

/** What a ledger has done since it was opened. The engine counts; the status of the server shows it. */
export class LedgerFigures {
  /** Rounds of appends: batches that became durable together. */
  rounds = 0;
  /** Batches that were stored. */
  batches = 0;
  /** Those of them that the server has stored which writes for all. */
  handed = 0;
  /** Bets of these batches. */
  bets = 0;
  /** Batches whose outcome could not be known. */
  unknown = 0;
  /** Batches that were refused, by reason. */
  readonly refused: Record<RefusalReason, number> = { closed: 0, count: 0, disk: 0, other: 0 };
  /** Seconds from the arrival of a stored batch, or an earlier one of its round, to its answer. */
  readonly commitSeconds: Histogram = new Histogram(DURATION_BOUNDS);
  /** Batches of a round. */
  readonly roundBatches: Histogram = new Histogram(ROUND_BOUNDS);
  /** Seconds that making a round durable takes. */
  readonly syncSeconds: Histogram = new Histogram(DURATION_BOUNDS);
  /** Seconds of waiting for the lock that servers share; engines without one count nothing. */
  readonly lockWaitSeconds: Histogram = new Histogram(DURATION_BOUNDS);

  /** Counts a refused batch. Returns its outcome. */
  refuse(why: RefusalReason, reason: string): { status: "refused"; reason: string } {
    this.refused[why]++;
    return { status: "refused", reason };
  }

  /** Counts a round, and its batches, all of which have this outcome. */
  countRound(round: readonly RoundBatch[], outcome: "stored" | "unknown"): void {
    if (outcome === "stored") {
      this.rounds++;
      this.roundBatches.observe(round.length);
    }
    this.countBatches(round, outcome);
  }

  /** Counts batches that were stored, or may be. Those of other servers are counted there. */
  countBatches(batches: readonly RoundBatch[], outcome: "stored" | "unknown"): void {
    const now = microseconds();
    for (const { arrived, batch, isHanded } of batches) {
      if (isHanded) continue;
      if (outcome === "unknown") {
        this.unknown++;
        continue;
      }
      this.batches++;
      this.bets += batch.count;
      this.commitSeconds.observe(secondsBetween(arrived, now));
    }
  }
}

/** A batch of a round, as far as it is counted. */
export interface RoundBatch {
  batch: { readonly count: number };
  /** When it, or an earlier batch of its round, came, in {@linkcode microseconds}. */
  arrived: number;
  /** Whether another server has handed it over. @default {false} */
  isHanded?: boolean;
}

/** The time in microseconds, modulo 2^32: an integer, which unlike a fraction costs no memory of its own. */
export function microseconds(): number {
  return (1000 * performance.now()) | 0;
}

/** Seconds from one time of {@linkcode microseconds} to another one less than half an hour later. */
export function secondsBetween(start: number, end: number): number {
  return ((end - start) | 0) / 1e6;
}
