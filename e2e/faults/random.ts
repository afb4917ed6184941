/**
 * Chance that can be repeated: the same seed gives the same schedule.
 *
 * @module
 */

import { Random as RandomNumbers } from "../../testing/random.ts";

/** A seeded generator that chooses what breaks next. */
export class Random extends RandomNumbers {
  /** An integer from `min` to `max`, both among them. */
  integer(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** A generator of its own for another part of the schedule, so that neither disturbs the other. */
  fork(): Random {
    return new Random(this.integer(0, 2 ** 32 - 1));
  }
}
