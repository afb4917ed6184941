/**
 * The incidents of one simulation.
 *
 * @module
 */

import type { Random } from "../../testing/random.ts";

/** Decides by chance what goes wrong, and when enough has. */
export class Incidents {
  /** How many have happened. */
  count = 0;
  readonly #random: Random;
  readonly #max: number;

  /** @param max After this many nothing else goes wrong, so that the lottery can end. */
  constructor(random: Random, max: number) {
    this.#random = random;
    this.#max = max;
  }

  /** Returns whether an incident that has one chance in `chance` happens now. */
  happens(chance: number): boolean {
    if (this.count >= this.#max || !this.#random.once(chance)) return false;
    this.count++;
    return true;
  }
}
