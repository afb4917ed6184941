/**
 * What all measurements share.
 *
 * @module
 */

import type { LoadThread } from "./load_thread.ts";
import type { PreparedVolume } from "./prepared_volume.ts";
import type { Pace } from "./turns.ts";

/** Where, with what and for how long to measure. */
export interface Context {
  /** The folder for all files. Its disk is measured. */
  folder: string;
  thread: LoadThread;
  /** The only volume that may become large. */
  volume: PreparedVolume;
  pace: Pace;
  /** Another version of the project, whose servers take turns with ours. @default {none} */
  against?: string;
}
