/**
 * The lines of a file, in bounded memory and without a copy of each.
 *
 * @module
 */

import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { LINE_FEED } from "../../shared/ascii.ts";

const CHUNK_BYTES = 1024 * 1024;

/** The file was truncated while it was read. */
export class TruncatedError extends Error {
  override name = "TruncatedError";
}

/** A line of a file. The object is reused: it is valid until the handler returns. */
export interface Line {
  /** The line is from `from` to `to`, without its line end; only its beginning if too long. */
  bytes: Uint8Array;
  from: number;
  to: number;
  /** Counted from 1. */
  number: number;
  /** Position of the line's first byte in the file. */
  offset: number;
  /** Bytes of the whole line, its line end included. */
  length: number;
}

/** Options of {@linkcode scanLines}. */
export interface ScanOptions {
  read: ReadAt;
  /** Position at which to stop. */
  to: number;
  /** Longest line that is passed on whole, in bytes, its line end included. */
  lineBytesMax: number;
  onLine: (line: Line) => void;
  /** Bytes read at once. @default {1 MiB} */
  chunkBytes?: number;
}

/** The result of {@linkcode scanLines}. */
export interface Scan {
  lines: number;
  /** Position after the last line end. */
  end: number;
  /** The beginning of the last line, which has no line end. */
  rest: Uint8Array;
}

/**
 * Passes each line of a file to a handler.
 *
 * @throws {TruncatedError} If the file ends before `to`.
 */
export function scanLines(options: ScanOptions): Scan {
  const { read, to, lineBytesMax, onLine, chunkBytes = CHUNK_BYTES } = options;
  const chunk = new Uint8Array(Math.max(chunkBytes, lineBytesMax + 1));
  const line: Line = { bytes: chunk, from: 0, to: 0, number: 0, offset: 0, length: 0 };
  /** Position after the last line end. */
  let end = 0;
  /** Bytes at the start of the chunk: the beginning of the line that follows `end`. */
  let kept = 0;
  for (let position = 0; position < to;) {
    const count = read(chunk.subarray(kept, kept + to - position), position);
    if (count <= 0) throw new TruncatedError("The file was truncated while it was read");
    position += count;
    const filled = chunk.subarray(0, kept + count);
    let from = 0;
    for (let at; (at = filled.indexOf(LINE_FEED, Math.max(from, kept))) >= 0; from = at + 1) {
      const next = position - filled.length + at + 1;
      line.number++;
      line.from = from;
      line.to = Math.min(at, from + lineBytesMax);
      line.offset = end;
      line.length = next - end;
      onLine(line);
      end = next;
    }
    chunk.copyWithin(0, from, filled.length);
    kept = Math.min(filled.length - from, lineBytesMax);
  }
  return { lines: line.number, end, rest: chunk.slice(0, kept) };
}
