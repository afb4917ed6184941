/**
 * Copies of what is truncated: no byte that this process did not write itself is ever dropped.
 *
 * @module
 */

import { type Disk, type DiskFile, readFully, writeAll } from "./disk.ts";
import { BETS_FILE } from "./volume_files.ts";

const CHUNK_BYTES = 1024 * 1024;

/** Options of {@linkcode copyTail}. */
export interface CopyTailOptions {
  /** The bytes to copy: from this position to the end of the file. */
  from: number;
  /** The time in the name of the copy, in milliseconds since 1970. */
  nowMs: number;
}

/**
 * Copies the end of bets.csv durably to a new file, `bets.csv.cut-TIME`.
 *
 * @returns The name of the copy.
 * @throws If the copy cannot be made. Nothing has been changed then.
 */
export function copyTail(disk: Disk, bets: DiskFile, { from, nowMs }: CopyTailOptions): string {
  const { name, file } = createCopy(disk, nowMs);
  const size = bets.size();
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - from));
    for (let at = from; at < size;) {
      const length = readFully(bets, chunk.subarray(0, size - at), at);
      if (length === 0) throw new Error(`${BETS_FILE} ends at byte ${at}, before its size`);
      writeAll(file, chunk.subarray(0, length), at - from);
      at += length;
    }
    file.syncNow();
    disk.syncFolder();
  } catch (cause) {
    disk.remove(name);
    throw new Error(
      `Cannot keep a copy of the last ${size - from} bytes of ${BETS_FILE} in ${name}: ` +
        `${(cause as Error).message}. Nothing was changed. A full disk needs room`,
      { cause },
    );
  } finally {
    file.close();
  }
  return name;
}

function createCopy(disk: Disk, nowMs: number): { name: string; file: DiskFile } {
  const time = new Date(nowMs).toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  for (let copy = 1;; copy++) {
    const name = `${BETS_FILE}.cut-${time}${copy === 1 ? "" : `-${copy}`}`;
    const file = disk.create(name);
    if (file !== undefined) return { name, file };
  }
}
