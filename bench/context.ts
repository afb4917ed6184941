/**
 * What all measurements share.
 *
 * @module
 */

import type { LoadThread } from "./load_thread.ts";
import type { Pace } from "./turns.ts";
import type { Volume } from "./volume.ts";
import type { Workplace } from "./workplace.ts";

/** Where, with what and how long to measure. */
export interface Context {
  workplace: Workplace;
  thread: LoadThread;
  /** The one volume that may be big. */
  volume: Volume;
  pace: Pace;
}
