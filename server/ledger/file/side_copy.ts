/**
 * Copies of what is truncated: no byte that this process did not write itself is ever dropped.
 *
 * @module
 */

import { type Disk, type DiskFile, readFully, writeAll } from "../disk.ts";
import { BETS_FILE } from "./volume_files.ts";

const CHUNK_BYTES = 1024 * 1024;

/** Longest torn round that is held in memory where no copy can be made before it is truncated. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;

/** Options of {@linkcode cutTail}. */
export interface CutTailOptions {
  /** The bytes to cut: from this position to the end of the file. */
  from: number;
  /** Whether they are a torn round, of which nothing was acknowledged. */
  isTorn: boolean;
  /** Truncates the file to `from`. */
  truncate: () => void;
}

/**
 * Copies the end of bets.csv as {@linkcode copyTail} does, and truncates it. On a full disk the end of a torn
 * round gives its own room to the copy: else nobody could store, close or draw.
 *
 * @returns The name of the copy; `none` and the reason if a torn end was truncated without one.
 * @throws If the copy cannot be made. Nothing has been changed then.
 */
export function cutTail(
  disk: Disk,
  bets: DiskFile,
  { from, isTorn, truncate }: CutTailOptions,
): string {
  const nowMs = Date.now();
  const bytes = bets.size() - from;
  let copy: string;
  try {
    copy = copyTail(disk, bets, { from, nowMs });
  } catch (error) {
    if (!isTorn || bytes > HELD_BYTES_MAX) throw error;
    const torn = new Uint8Array(bytes);
    readFully(bets, torn, from);
    truncate();
    try {
      return copyTo(disk, nowMs, { bytes, pieces: () => [torn] });
    } catch (error) {
      return `none: ${(error as Error).message}`;
    }
  }
  truncate();
  return copy;
}

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
  return copyTo(disk, nowMs, { bytes: bets.size() - from, pieces: () => piecesOf(bets, from) });
}

/** Reads the file from a position to its end. */
function* piecesOf(bets: DiskFile, from: number): Generator<Uint8Array> {
  const size = bets.size();
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - from));
  for (let at = from; at < size;) {
    const length = readFully(bets, chunk.subarray(0, size - at), at);
    if (length === 0) throw new Error(`${BETS_FILE} ends at byte ${at}, before its size`);
    yield chunk.subarray(0, length);
    at += length;
  }
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
