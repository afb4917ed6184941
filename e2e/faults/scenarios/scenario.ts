/**
 * What a fault run is.
 *
 * @module
 */

import type { Need } from "../../../testing/needs.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

/** A fault run. */
export interface Scenario {
  /** What it does, in one line. */
  summary: string;
  /** The count unless another is given; tests use this one. */
  count: number;
  /** What it needs of this machine. */
  needs: readonly Need[];
  run: (options: RunOptions) => Promise<Verdict>;
}
