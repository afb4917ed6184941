/**
 * Copies of what is truncated: no byte that this process did not write itself is ever dropped.
 *
 * @module
 */

import { type Disk, type DiskFile, readFully, writeAll } from "../disk.ts";
import type { Span } from "./log_recovery.ts";
import { BETS_FILE } from "./volume_files.ts";

const CHUNK_BYTES = 1024 * 1024;

/** Longest torn round that is held in memory where no copy can be made before it is truncated. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;

/** Options of {@linkcode cutSpans}. */
export interface CutSpansOptions {
  /** The parts of the file to cut. */
  spans: readonly Span[];
  /** Cuts them. */
  cut: () => void;
  /** Whether bets were perhaps acknowledged among them, so that nothing is cut without a copy. @default {false} */
  mustCopy?: boolean;
}

/**
 * Copies parts of bets.csv durably, and cuts them. On a full disk, bytes that were never acknowledged are cut to make
 * room for their own copy: otherwise nobody could store, close or draw.
 *
 * @returns The name of the copy; `none` and the reason if nothing could be copied.
 * @throws If the copy cannot be made, and bytes are not to be cut without one. Nothing has been changed then.
 */
export function cutSpans(
  disk: Disk,
  bets: DiskFile,
  { spans, cut, mustCopy = false }: CutSpansOptions,
): string {
  const nowMs = Date.now();
  const bytes = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  let copy: string;
  try {
    copy = copySpans(disk, bets, { spans, nowMs });
  } catch (error) {
    if (mustCopy || bytes > HELD_BYTES_MAX) throw error;
    const held = spans.map(({ from, to }) => {
      const piece = new Uint8Array(to - from);
      return piece.subarray(0, readFully(bets, piece, from));
    });
    cut();
    try {
      return copyTo(disk, nowMs, { bytes, pieces: () => held });
    } catch (error) {
      return `none: ${(error as Error).message}`;
    }
  }
  cut();
  return copy;
}

/** Options of {@linkcode copySpans}. */
export interface CopySpansOptions {
  /** The parts of the file to copy. */
  spans: readonly Span[];
  /** The time in the name of the copy, in milliseconds since 1970. */
  nowMs: number;
}

/**
 * Copies parts of bets.csv durably to a new file, `bets.csv.cut-TIME`.
 *
 * @returns The name of the copy.
 * @throws If the copy cannot be made. Nothing has been changed then.
 */
function copySpans(
  disk: Disk,
  bets: DiskFile,
  { spans, nowMs }: CopySpansOptions,
): string {
  const bytes = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  return copyTo(disk, nowMs, { bytes, pieces: () => piecesOf(bets, spans) });
}

/** Reads parts of the file. */
function* piecesOf(bets: DiskFile, spans: readonly Span[]): Generator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (const { from, to } of spans) {
    for (let at = from; at < to;) {
      const length = readFully(bets, chunk.subarray(0, to - at), at);
      if (length === 0) throw new Error(`${BETS_FILE} ends at byte ${at}, before its size`);
      yield chunk.subarray(0, length);
      at += length;
    }
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
      `Cannot keep a copy of ${bytes} bytes of ${BETS_FILE} in ${name}: ` +
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
