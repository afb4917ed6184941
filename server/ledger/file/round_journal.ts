/**
 * The journal of the round in hand: bets.csv.round says from where to where the last round of appends
 * was to go. A writer that was killed half way leaves bets.csv shorter than that, and the next holder of
 * the lock knows what to cut off, so that a batch is whole or absent.
 *
 * It is one line of fixed length, overwritten in place, and read and written under the lock of bets.csv.
 *
 * It is not synced with each round: that would take a third more time for each sync. So a power cut can
 * let a newer line stand for a round that never was synced, and so never acknowledged; or bring back an
 * older line, whose end is not behind anything acknowledged. Beside an older line, a part of a newer round
 * may be there that was never acknowledged either: another server's sync, or the system, has taken to the
 * disk what was half written. Whole rows of it stay, and their agency is told so when it asks for progress.
 *
 * Only after a cut could an older line's end lie behind bets that are acknowledged later. So
 * {@linkcode RoundJournal.recordCut} syncs, before anything else is written; and as who cuts may be killed
 * before that, whoever finds a cut that it does not know of records it again.
 *
 * A line of which only a part was written ends with the sum of another one, and is damaged.
 *
 * @module
 */

import { parseDigits, putDigits, startsWith } from "../../../shared/bytes.ts";
import { type DiskFile, readFully, writeAll } from "./disk.ts";

/** What the journal says. */
export interface Round {
  /** Byte of bets.csv at which the round begins. */
  from: number;
  /** Byte of bets.csv behind the round. */
  to: number;
  /** How often the file was cut back: whoever has read it before a cut must read it again. */
  cuts: number;
}

const BLANK = `from=${"0".repeat(16)} to=${"0".repeat(16)} cuts=${"0".repeat(12)} sum=${
  "0".repeat(10)
}\n`;
const BLANK_LINE = new TextEncoder().encode(BLANK);
/** Behind the digits of each number. */
const FROM_END = BLANK.indexOf(" to=");
const TO_END = BLANK.indexOf(" cuts=");
const CUTS_END = BLANK.indexOf(" sum=");
const SUM_END = BLANK.length - 1;

/** Reads and writes the journal. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #found = new Uint8Array(BLANK.length);
  /** The line as last read or written, and what it says: mostly it is still the same. */
  readonly #line = BLANK_LINE.slice();
  #lineLength = 0;
  #round: Round | undefined;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The last round that was begun; nothing if the journal is new or damaged. */
  read(): Round | undefined {
    const length = readFully(this.#file, this.#found, 0);
    const found = this.#found.subarray(0, length);
    if (length !== this.#lineLength || !startsWith(this.#line, found)) {
      this.#line.set(found);
      this.#lineLength = length;
      this.#round = parseJournal(found);
    }
    return this.#round;
  }

  /** Says where the next round will go, before it is written. */
  begin(round: Round): void {
    format(round, this.#line);
    this.#lineLength = BLANK.length;
    this.#round = round;
    writeAll(this.#file, this.#line, 0);
  }

  /** Says for good that the file was cut back to `size`. */
  recordCut(size: number, cuts: number): void {
    this.begin({ from: size, to: size, cuts });
    this.#file.syncNow();
  }

  close(): void {
    this.#file.close();
  }
}

/** Writes a line over one of the same form: it is done with each round, and makes no text on the way. */
function format({ from, to, cuts }: Round, line: Uint8Array): void {
  line.set(BLANK_LINE);
  putDigits(line, FROM_END, from);
  putDigits(line, TO_END, to);
  putDigits(line, CUTS_END, cuts);
  putDigits(line, SUM_END, sumOf(line.subarray(0, CUTS_END)));
}

/** Parses the content of the journal. Returns nothing if it is empty or damaged. What follows its line is ignored. */
export function parseJournal(bytes: Uint8Array): Round | undefined {
  const line = bytes.subarray(0, BLANK.length);
  if (line.length !== BLANK.length) return undefined;
  const number = (start: string, end: number) =>
    parseDigits(line, BLANK.indexOf(start) + start.length, end, Number.MAX_SAFE_INTEGER);
  const from = number("from=", FROM_END);
  const to = number(" to=", TO_END);
  const cuts = number(" cuts=", CUTS_END);
  if (from < 0 || to < 0 || cuts < 0) return undefined;
  const round = { from, to, cuts };
  // What stands between the numbers, and the sum behind them, must be as they are written.
  const expected = new Uint8Array(line.length);
  format(round, expected);
  return startsWith(line, expected) ? round : undefined;
}

/** A checksum: 32-bit FNV-1a. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) sum = Math.imul(sum ^ bytes[at], 0x01000193);
  return sum >>> 0;
}
