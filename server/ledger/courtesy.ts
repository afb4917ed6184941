/**
 * Long work that yields to connections and timers.
 *
 * @module
 */

import { setImmediate, setTimeout } from "node:timers";

/** How long work may block the event loop. */
const KEPT_MS = 10;

/** Yields between pieces of work: often to what is ready, and after a while to everything. */
export class Courtesy {
  #since = performance.now();

  async giveWay(): Promise<void> {
    if (performance.now() - this.#since < KEPT_MS) return await turnEnd();
    // Immediates may run before the next look at sockets; a timer does not.
    await new Promise<void>((resolve) => void setTimeout(resolve, 0));
    this.#since = performance.now();
  }
}

/**
 * Waits for the end of this turn of the event loop: what has arrived by now has then reached its readers,
 * and can be handled together.
 */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
