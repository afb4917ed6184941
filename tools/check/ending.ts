/**
 * How bets.csv ends, and what a server would make of that: it is the server's own rule (see
 * server/ledger/file/bets_file.ts), told in words.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import type { Round } from "../../server/ledger/file/round_journal.ts";

const CHUNK_BYTES = 1024 * 1024;

/** How the end of bets.csv and its journal agree. */
export type Agreement =
  /** The last round is there. */
  | "whole"
  /** The last round is there in part, or zeros are in its place: its writer was killed, or power was cut. */
  | "killed"
  /** The last round was begun, and nothing of it was written. */
  | "unbegun"
  /** The file is longer than any round: another program has written to it. */
  | "longer"
  /** The file ends within the last round, which did not begin behind a row: it was mended by hand. */
  | "mended"
  /** The file is shorter than where the last round began: what was there is missing. */
  | "shorter"
  /** There is no journal, or it cannot be read. */
  | "no journal";

/** The end of bets.csv. */
export interface Ending {
  agreement: Agreement;
  /** Bytes of the file. */
  size: number;
  /** Bytes that servers keep; what follows them is torn, and they cut it off. */
  wholeSize: number;
}

/** Reads into `bytes` from `position`; returns how many bytes, 0 at the end. */
export type ReadAt = (bytes: Uint8Array, position: number) => number;

/** Finds out how bets.csv ends. */
export function endingOf(size: number, round: Round | undefined, read: ReadAt): Ending {
  const agreement = agreementOf(size, round, read);
  switch (agreement) {
    case "whole":
    case "unbegun":
      return { agreement, size, wholeSize: size };
    case "killed":
      return { agreement, size, wholeSize: round!.from };
    default:
      return { agreement, size, wholeSize: lastRowEnd(size, read) };
  }
}

function agreementOf(size: number, round: Round | undefined, read: ReadAt): Agreement {
  if (round === undefined) return "no journal";
  const { from, to } = round;
  if (size === to && !endsInZero(size, read)) return "whole";
  if (size > to) return "longer";
  if (size < from) return "shorter";
  if (lastRowEnd(from, read) < from) return "mended";
  return size === from ? "unbegun" : "killed";
}

/** Whether the last byte is a zero, which no row has: power was cut before the round was synced. */
function endsInZero(size: number, read: ReadAt): boolean {
  const last = new Uint8Array(1);
  return size > 0 && read(last, size - 1) === 1 && last[0] === 0;
}

/** The place behind the last line end before `size`. */
function lastRowEnd(size: number, read: ReadAt): number {
  const chunk = new Uint8Array(Math.min(size, CHUNK_BYTES));
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - chunk.length);
    const wanted = chunk.subarray(0, end - from);
    let filled = 0;
    while (filled < wanted.length) {
      const count = read(wanted.subarray(filled), from + filled);
      if (count <= 0) break;
      filled += count;
    }
    const at = wanted.subarray(0, filled).lastIndexOf(LINE_FEED);
    if (at >= 0) return from + at + 1;
    end = from;
  }
  return 0;
}
