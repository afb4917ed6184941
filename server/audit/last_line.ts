/**
 * Finds the last whole line of a file.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import { type DiskFile, readFully } from "../ledger/disk.ts";

const CHUNK_BYTES = 64 * 1024;

/** The last whole line of a file. */
export interface LastLine {
  /** Its bytes, the line end included; nothing if the file has no whole line. */
  bytes: Uint8Array | undefined;
  /** Where it ends: 0 without a line. */
  end: number;
}

/** Finds the last whole line before a position. */
export function lastLine(file: Pick<DiskFile, "read">, before: number): LastLine {
  const end = lineEndBefore(file, before);
  if (end === 0) return { bytes: undefined, end };
  const bytes = new Uint8Array(end - lineEndBefore(file, end - 1));
  readFully(file, bytes, end - bytes.length);
  return { bytes, end };
}

/**
 * Returns the position of the first zero, or else the size. A power cut may leave zeros in place of pages that were
 * not durable yet; no line has any.
 */
export function firstZero(file: Pick<DiskFile, "read" | "size">): number {
  const [size, chunk] = [file.size(), new Uint8Array(CHUNK_BYTES)];
  for (let from = 0; from < size; from += CHUNK_BYTES) {
    const found = chunk.subarray(0, readFully(file, chunk, from)).indexOf(0);
    if (found >= 0) return from + found;
  }
  return size;
}

/** Returns the position after the last line end before `before`; 0 if there is none. */
function lineEndBefore(file: Pick<DiskFile, "read">, before: number): number {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let to = before; to > 0;) {
    const from = Math.max(0, to - CHUNK_BYTES);
    const length = readFully(file, chunk.subarray(0, to - from), from);
    const found = chunk.subarray(0, length).lastIndexOf(LINE_FEED);
    if (found >= 0) return from + found + 1;
    to = from;
  }
  return 0;
}
