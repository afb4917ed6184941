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
  const size = bets.size();
  return copyTo(disk, nowMs, {
    bytes: size - from,
    *pieces() {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - from));
      for (let at = from; at < size;) {
        const length = readFully(bets, chunk.subarray(0, size - at), at);
        if (length === 0) throw new Error(`${BETS_FILE} ends at byte ${at}, before its size`);
        yield chunk.subarray(0, length);
        at += length;
      }
    },
  });
}

/**
 * Writes bytes that were truncated from bets.csv durably to a new file.
 *
 * @returns The name of the copy.
 * @throws If the copy cannot be made.
 */
export function copyBytes(disk: Disk, bytes: Uint8Array, nowMs: number): string {
  return copyTo(disk, nowMs, { bytes: bytes.length, pieces: () => [bytes] });
}

function copyTo(
  disk: Disk,
  nowMs: number,
  { bytes, pieces }: { bytes: number; pieces: () => Iterable<Uint8Array> },
): string {
  const { name, file } = createCopy(disk, nowMs);
  try {
    let position = 0;
    for (const piece of pieces()) {
      // A hole takes no room in the copy either.
      if (piece.some((byte) => byte !== 0)) writeAll(file, piece, position);
      position += piece.length;
    }
    if (file.size() < position) writeAll(file, new Uint8Array(1), position - 1);
    file.syncNow();
    disk.syncFolder();
  } catch (cause) {
    disk.remove(name);
    throw new Error(
      `Cannot keep a copy of the last ${bytes} bytes of ${BETS_FILE} in ${name}: ` +
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
