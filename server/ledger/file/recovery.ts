/**
 * The recovery rule: what the end of bets.csv means, and how much of it is kept. Servers apply it each time
 * they take the lock; `check` reports by it.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import type { Round } from "./round_journal.ts";
import { BETS_FILE } from "./volume_files.ts";

const CHUNK_BYTES = 64 * 1024;

/** How the end of bets.csv compares with the journal's last round. */
export type TailState =
  /** The last round is complete. */
  | "whole"
  /** The last round is incomplete, or zeros stand in its place: its writer was killed, or power was cut. */
  | "torn"
  /** The last round was announced, and nothing of it was written. */
  | "not started"
  /** The file continues after the last round: another program has written to it. */
  | "longer"
  /** The file ends within the last round, which does not begin where a row begins: it was edited by hand. */
  | "edited"
  /** The file ends before the last round begins, which a power cut may have prevented from being written. */
  | "shorter"
  /** The journal is an older copy: the round that it announces begins before what is durable. */
  | "outdated"
  /** The file is smaller than what was durable: bets are missing. Nothing is changed. */
  | "shortened"
  /** The journal is missing or damaged. */
  | "no journal";

/** Where a round begins and ends, as it was announced. */
export type AnnouncedRound = Pick<Round, "from" | "to">;

/** The end of bets.csv. */
export interface Tail {
  state: TailState;
  /** Size of the file in bytes. */
  size: number;
  /** Bytes that are kept. What follows them is torn and is truncated. */
  wholeSize: number;
}

/** Reads into `bytes` from `position`; returns how many bytes, 0 at the end of the file. */
export type ReadAt = (bytes: Uint8Array, position: number) => number;

/** Options of {@linkcode inspectTail}. */
export interface InspectTailOptions {
  read: ReadAt;
  /** Bytes that the caller has read or written itself, and so need no second look. @default {0} */
  knownSize?: number;
  /** Bytes that were durable: the mark of the journal. @default {0} */
  durableSize?: number;
  /**
   * Called before a long search if {@linkcode endsInHugeHole}. A file that ends as its last round announces, with
   * a row, has no such hole, and is not read again to find out. @default {the search is made}
   */
  onHugeHole?: () => never;
}

/** Compares the end of bets.csv, a file of `size` bytes, with the last round of its journal. */
export function inspectTail(
  size: number,
  round: AnnouncedRound | undefined,
  options: InspectTailOptions,
): Tail {
  const { read, durableSize = 0 } = options;
  const state = size < durableSize ? "shortened" : stateOf(size, round, options);
  switch (state) {
    case "whole":
    case "not started":
    case "shortened":
      return { state, size, wholeSize: size };
    case "torn":
      // What is durable is never truncated, whatever a journal says.
      if (round!.from < durableSize) {
        return { state: "outdated", size, wholeSize: lastRowEnd(size, read) };
      }
      return { state, size, wholeSize: round!.from };
    default:
      return { state, size, wholeSize: lastRowEnd(size, read) };
  }
}

function stateOf(
  size: number,
  round: AnnouncedRound | undefined,
  { read, knownSize = 0, onHugeHole }: InspectTailOptions,
): TailState {
  const isAtEnd = size === round?.to;
  if (isAtEnd && (size <= knownSize || !endsInZero(size, read))) return "whole";
  if (onHugeHole !== undefined && endsInHugeHole(size, read)) onHugeHole();
  if (round === undefined) return "no journal";
  const { from, to } = round;
  if (size > to) return "longer";
  if (size < from) return "shorter";
  if (lastRowEnd(from, read) < from) return "edited";
  return size === from ? "not started" : "torn";
}

/** More than all servers together have written and not yet synced at any moment. */
const UNSYNCED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Whether the file ends in more zeros than servers can have left: looking for the last row would take long, and
 * keep the lock meanwhile. Looks at a few bytes only.
 */
export function endsInHugeHole(size: number, read: ReadAt): boolean {
  const byte = new Uint8Array(1);
  const isZero = (position: number) => read(byte, position) === 1 && byte[0] === 0;
  return size > UNSYNCED_BYTES_MAX &&
    [1, CHUNK_BYTES, UNSYNCED_BYTES_MAX].every((back) => isZero(size - back));
}

/** Reports a file that ends in more zeros than servers can have left. */
export function refuseHugeHole(): never {
  throw new FatalLedgerError(
    `Cannot use ${BETS_FILE}: it ends in more than 64 MiB of zeros, which no server has written. ` +
      "Nothing was changed. Stop all servers and truncate it with ./denow task check --repair",
  );
}

/** Whether the last byte is a zero, which no row has: power was cut before the round was synced. */
function endsInZero(size: number, read: ReadAt): boolean {
  const last = new Uint8Array(1);
  return size > 0 && read(last, size - 1) === 1 && last[0] === 0;
}

/** The position after the last line end before `size`; 0 if there is none. */
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
