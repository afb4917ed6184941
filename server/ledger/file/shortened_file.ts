/**
 * What a server does where bets.csv is smaller than what was durable: rows are missing.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import type { ActionLog } from "../../../shared/logging.ts";
import { explainRow, ROW_BYTES_MAX, type RowRules } from "../bet_row.ts";
import { type DiskFile, readFully, writeAll } from "../disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { inspectTail } from "./recovery.ts";
import { BETS_FILE } from "./volume_files.ts";

/** Lines are counted up to this size, which takes a few milliseconds at most: the lock is held. */
const COUNTED_BYTES_MAX = 1024 * 1024;

/** What {@linkcode completeLastRow} needs to know. */
export interface ShortenedFile {
  /** Size of the file in bytes. */
  size: number;
  /** Bytes that were durable: more than the file has. */
  durableSize: number;
  rules: RowRules;
  log: ActionLog;
}

/**
 * Adds the line end of the last row if nothing else is missing, as where an editor has dropped it.
 *
 * @throws {FatalLedgerError} If more is missing. Nothing is changed.
 */
export function completeLastRow(file: DiskFile, shortened: ShortenedFile): void {
  const { size, durableSize, rules, log } = shortened;
  if (size + 1 === durableSize && isRowUnterminated(file, size, rules)) {
    writeAll(file, new Uint8Array([LINE_FEED]), size);
    file.syncNow();
    const why = "the last row had lost its line end";
    log.warning("repair", "success", { file: BETS_FILE, offset: size, why });
    return;
  }
  throw new FatalLedgerError(
    `Cannot use ${BETS_FILE}: it has ${size} bytes${lineCount(file, size)}, but ` +
      `${durableSize} bytes were durable. Rows were removed, or an older copy was put in its place. ` +
      "Nothing was changed. Restore the volume from a backup, or accept the loss with " +
      "./denow task check --accept-loss",
  );
}

function isRowUnterminated(file: DiskFile, size: number, rules: RowRules): boolean {
  const read = file.read.bind(file);
  const { wholeSize } = inspectTail(size, undefined, { read });
  if (size - wholeSize >= ROW_BYTES_MAX || size === wholeSize) return false;
  const row = new Uint8Array(size - wholeSize);
  readFully(file, row, wholeSize);
  return explainRow(row, rules) === undefined;
}

/** How many lines a small file has, in words. */
function lineCount(file: DiskFile, size: number): string {
  if (size > COUNTED_BYTES_MAX) return "";
  const bytes = new Uint8Array(size);
  const length = readFully(file, bytes, 0);
  const lines = bytes.subarray(0, length).filter((byte) => byte === LINE_FEED).length;
  return ` and ${lines} lines`;
}
