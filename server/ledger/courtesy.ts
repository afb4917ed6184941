/**
 * Long work that yields to connections and timers.
 *
 * @module
 */

import { setImmediate, setTimeout } from "node:timers";

/** How long work may block the event loop. */
const KEPT_MS = 20;
/** How long a turn of the event loop may take: ending one for each short piece of work would double its cost. */
const TURN_MS = 1;

/** Yields between pieces of work: often to what is ready, and after a while to everything. */
export class Courtesy {
  #since = performance.now();
  #turnSince = this.#since;

  async giveWay(): Promise<void> {
    const now = performance.now();
    if (now - this.#turnSince < TURN_MS) return;
    if (now - this.#since < KEPT_MS) await turnEnd();
    else {
      // Immediates may run before the next look at sockets; a timer does not.
      await new Promise<void>((resolve) => void setTimeout(resolve, 0));
      this.#since = performance.now();
    }
    this.#turnSince = performance.now();
  }
}

/**
 * Waits until everything that has arrived in the same moment has been handled up to here: promises that were resolved
 * together run their continuations in turn. Unlike {@linkcode turnEnd} it lets nothing else arrive.
 */
export async function burstEnd(): Promise<void> {
  await null;
  await null;
}

/**
 * Waits for the end of this turn of the event loop: what has arrived by now has then reached its readers,
 * and can be handled together.
 */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
