/**
 * Rewrites a part of bets.csv in place, after a sync of it may have failed: the kernel then treats pages as written
 * that the disk has lost, and a later sync would skip them.
 *
 * @module
 */

import { type DiskFile, readFully, writeAll } from "../disk.ts";
import type { LogRecord } from "./log_record.ts";
import type { Span } from "./log_recovery.ts";

const CHUNK_BYTES = 256 * 1024;

/** Writes the rounds of the records again, and between them what the file holds. */
export function rewriteInPlace(
  file: DiskFile,
  { from, to }: Span,
  records: readonly LogRecord[],
): void {
  let position = from;
  const needed = records.filter((record) =>
    record.from >= from && record.from + record.rows.length <= to
  ).sort((one, other) => one.from - other.from);
  for (const { from: at, rows } of needed) {
    copyInPlace(file, { from: position, to: at });
    writeAll(file, rows, at);
    position = Math.max(position, at + rows.length);
  }
  copyInPlace(file, { from: position, to });
}

function copyInPlace(file: DiskFile, { from, to }: Span): void {
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to;) {
    const length = readFully(file, chunk.subarray(0, to - at), at);
    if (length === 0) return;
    writeAll(file, chunk.subarray(0, length), at);
    at += length;
  }
}
