/**
 * A limit on the lines that strangers can cause.
 *
 * @module
 */

/** Lines a second, in the long run. */
export const LINES_PER_SECOND = 10;
/** Lines at once, after a quiet time. */
export const LINES_AT_ONCE = 100;

/** Counts lines against the limit. */
export class LineBudget {
  readonly #now: () => number;
  #left = LINES_AT_ONCE;
  #countedAt: number;

  /** @param now A monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#countedAt = now();
  }

  /** Takes a line from the budget. Returns whether one was left. */
  take(): boolean {
    const now = this.#now();
    const earned = (now - this.#countedAt) / 1000 * LINES_PER_SECOND;
    this.#left = Math.min(LINES_AT_ONCE, this.#left + earned);
    this.#countedAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
