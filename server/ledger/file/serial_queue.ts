/**
 * One thing after the other.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** Runs pieces of work in the order they came, each when the one before has ended. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` in its turn. Its result, or its error, is the promise's. */
  run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

/**
 * Waits until all that has arrived by now has been handed to its readers, and no longer: what a turn of
 * the event loop brings together can then be handled together.
 */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
