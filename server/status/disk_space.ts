/**
 * How much room the volume of the bets has.
 *
 * @module
 */

import { statfsSync } from "node:fs";

/** The room of a file system, in bytes. */
export interface DiskSpace {
  bytes: number;
  /** What this user may still write. */
  freeBytes: number;
}

/** Returns the room of the file system of a folder; nothing where it is unknown. */
export function diskSpace(folder: string): DiskSpace | undefined {
  try {
    const { bsize, blocks, bavail } = statfsSync(folder);
    return { bytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
