/**
 * A serial task queue.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** Runs tasks one at a time, in the order in which they were added. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` after all tasks before it, and returns its result. */
  run<Result>(task: () => Result | Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

/**
 * Waits for the end of this turn of the event loop: what has arrived by now has then reached its readers,
 * and can be handled together.
 */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
