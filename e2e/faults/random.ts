/**
 * Chance that can be repeated: the same seed gives the same schedule.
 *
 * @module
 */

/** A seeded generator (mulberry32). Good enough to choose what breaks next, and for nothing else. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, but not, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `min` to `max`, both among them. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of `things`. */
  pick<Thing>(things: readonly Thing[]): Thing {
    return things[this.integer(0, things.length - 1)];
  }

  /** A generator of its own for another part of the schedule, so that neither disturbs the other. */
  fork(): Random {
    return new Random(this.integer(0, 2 ** 32 - 1));
  }
}
