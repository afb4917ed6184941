/**
 * Quantiles of the last minute, from a histogram that is never reset.
 *
 * @module
 */

import type { QuantilesReport } from "../../shared/status/report.ts";
import { type Histogram, quantileOf } from "../ledger/figures.ts";

/** How far back the values go. */
const WINDOW_MS = 60_000;
/** The interval of the counts that are remembered. */
const STEP_MS = 5000;

/** Four digits: the estimate has no more. */
const fourDigits = (value: number) => Number(value.toPrecision(4));

/** Remembers a histogram's counts whenever it is asked. */
export class RecentQuantiles {
  readonly #histogram: Histogram;
  readonly #now: () => number;
  readonly #round: (value: number) => number;
  /** The counts at earlier moments, the eldest first: at most one is older than the window. */
  readonly #earlier: { atMs: number; counts: Float64Array }[];

  /**
   * @param now A monotonic clock, in milliseconds.
   * @param round Rounds a quantile. @default {to four digits}
   */
  constructor(histogram: Histogram, now: () => number, round = fourDigits) {
    this.#round = round;
    this.#histogram = histogram;
    this.#now = now;
    this.#earlier = [{ atMs: now(), counts: histogram.counts.slice() }];
  }

  /** The quantiles since a minute ago; since the last question if that was longer ago. */
  report(): QuantilesReport {
    const { bounds, counts, count } = this.#histogram;
    const nowMs = this.#now();
    while (this.#earlier.length > 1 && this.#earlier[1].atMs <= nowMs - WINDOW_MS) {
      this.#earlier.shift();
    }
    const base = this.#earlier[0].counts;
    const recent = counts.map((value, bucket) => value - base[bucket]);
    if (nowMs - this.#earlier.at(-1)!.atMs >= STEP_MS) {
      this.#earlier.push({ atMs: nowMs, counts: counts.slice() });
    }
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((quantile) => {
      const value = quantileOf(bounds, recent, quantile);
      return value === undefined ? null : this.#round(value);
    });
    return { count, p50, p95, p99 };
  }
}
