/**
 * The lines of a file, one after the other, in bounded memory and without a copy of each.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";

const CHUNK_BYTES = 1024 * 1024;

/** The file was cut while it was read. */
export class FileCutError extends Error {
  override name = "FileCutError";
}

/** A line of a file. The scanner reuses the object: it is good until the handler returns. */
export interface Line {
  /** Holds the line from `from` to `to`, its line end left out. */
  bytes: Uint8Array;
  from: number;
  to: number;
  /** Counted from 1. */
  number: number;
  /** Of the line's first byte, from the beginning of the file. */
  offset: number;
  /** Bytes of the line with its line end. More than `to - from + 1` if it is over the limit: then only its beginning is shown. */
  length: number;
}

/** Options of {@linkcode scanLines}. */
export interface ScanOptions {
  /** Reads into `bytes` from `position`; returns how many bytes, 0 at the end. */
  read: (bytes: Uint8Array, position: number) => number;
  /** Byte at which to stop. */
  to: number;
  /** Longest line that is shown whole, in bytes, its line end included. */
  lineBytesMax: number;
  onLine: (line: Line) => void;
  /** Bytes read at once. @default {1 MiB} */
  chunkBytes?: number;
}

/** What {@linkcode scanLines} has seen. */
export interface Scan {
  lines: number;
  /** Where the last line end is left behind: what follows, up to `to`, has none. */
  end: number;
  /** The beginning of what follows. */
  rest: Uint8Array;
}

/**
 * Hands the lines of a file to a handler.
 *
 * @throws {FileCutError} If the file ends before `to`.
 */
export function scanLines(options: ScanOptions): Scan {
  const { read, to, lineBytesMax, onLine, chunkBytes = CHUNK_BYTES } = options;
  const chunk = new Uint8Array(Math.max(chunkBytes, lineBytesMax + 1));
  const line: Line = { bytes: chunk, from: 0, to: 0, number: 0, offset: 0, length: 0 };
  /** Byte of the file at which the chunk begins. */
  let position = 0;
  /** Bytes of an unfinished line at the beginning of the chunk. */
  let kept = 0;
  /** Bytes of a line over the limit that were passed over already; its beginning is kept. */
  let passed = 0;
  while (position + passed + kept < to) {
    const wanted = Math.min(chunk.length - kept, to - position - passed - kept);
    const count = read(chunk.subarray(kept, kept + wanted), position + passed + kept);
    if (count <= 0) throw new FileCutError("The file was cut while it was read");
    const filled = kept + count;
    const whole = chunk.subarray(0, filled);
    let at = 0;
    for (let end = whole.indexOf(LINE_FEED, kept); end >= 0; end = whole.indexOf(LINE_FEED, at)) {
      line.number++;
      line.from = at;
      line.offset = position + at;
      line.length = end + 1 - at + passed;
      line.to = line.length > lineBytesMax ? at + Math.min(lineBytesMax, end - at) : end;
      onLine(line);
      at = end + 1;
      position += passed;
      passed = 0;
    }
    if (at > 0) chunk.copyWithin(0, at, filled);
    position += at;
    kept = filled - at;
    if (kept >= lineBytesMax) {
      passed += kept - lineBytesMax;
      kept = lineBytesMax;
    }
  }
  return { lines: line.number, end: position, rest: chunk.slice(0, kept) };
}
