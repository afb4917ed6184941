/**
 * How many bets a second were stored during the last minute.
 *
 * @module
 */

import type { PacePoint } from "./state.ts";

const KEPT_MS = 60_000;

/** Remembers the pace of a lottery. */
export class Pace {
  #points: { atMs: number; betsPerSecond: number }[] = [];
  #last: { lottery: string; atMs: number; bets: number } | undefined;

  /** Takes the number of bets at a moment of a monotonic clock. */
  take(lottery: string, atMs: number, bets: number): void {
    const last = this.#last?.lottery === lottery ? this.#last : undefined;
    if (last === undefined) this.#points = [];
    else if (atMs > last.atMs) {
      const betsPerSecond = Math.max(0, bets - last.bets) * 1000 / (atMs - last.atMs);
      this.#points.push({ atMs, betsPerSecond: Math.round(betsPerSecond) });
    }
    this.#points = this.#points.filter((point) => atMs - point.atMs <= KEPT_MS);
    this.#last = { lottery, atMs, bets };
  }

  /** Returns the last minute, as seen at a moment, oldest first. */
  at(nowMs: number): PacePoint[] {
    return this.#points.map(({ atMs, betsPerSecond }) => [Math.round(nowMs - atMs), betsPerSecond]);
  }
}
