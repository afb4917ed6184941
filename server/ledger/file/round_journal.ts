/**
 * The journal of the current round: bets.csv.round says from where to where in bets.csv the last round of
 * appends goes. A writer that is killed halfway leaves bets.csv shorter than that, and the next holder of
 * the lock knows what to truncate, so that a batch is whole or absent.
 *
 * It is one line of fixed length, overwritten in place, and read and written under the lock of bets.csv.
 *
 * It is not synced with each round: that would make each sync a third slower. So after a power cut a newer
 * line may announce a round that was never synced, and so never acknowledged; or an older line may return,
 * whose end lies before everything acknowledged since. Beside an older line, part of a newer round may be on
 * the disk that was never acknowledged either: another server's sync, or the kernel, has flushed what was
 * half written. Its whole rows stay, and the agency learns of them when it asks for its progress.
 *
 * Only after a truncation could an older line end after bets that are acknowledged later. So
 * {@linkcode RoundJournal.recordCut} syncs before anything else is written. Its writer may be killed before
 * that; so a process that finds a truncation new to it records it again.
 *
 * A line that was only partly written carries the checksum of another line, and is damaged.
 *
 * @module
 */

import { parseDigits, putDigits, startsWith } from "../../../shared/bytes.ts";
import { type DiskFile, readFully, writeAll } from "./disk.ts";

/** The content of the journal. */
export interface Round {
  /** Position in bets.csv at which the round begins. */
  from: number;
  /** Position in bets.csv at which the round ends. */
  to: number;
  /** How often the file was truncated. Whoever read it before a truncation must read it again. */
  cuts: number;
}

const BLANK = `from=${"0".repeat(16)} to=${"0".repeat(16)} cuts=${"0".repeat(12)} sum=${
  "0".repeat(10)
}\n`;
const BLANK_LINE = new TextEncoder().encode(BLANK);
/** Positions after the digits of each number. */
const FROM_END = BLANK.indexOf(" to=");
const TO_END = BLANK.indexOf(" cuts=");
const CUTS_END = BLANK.indexOf(" sum=");
const SUM_END = BLANK.length - 1;

/** Reads and writes the journal. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #found = new Uint8Array(BLANK.length);
  /** The line as last read or written, and its parsed form: usually it has not changed since. */
  readonly #line = BLANK_LINE.slice();
  #lineLength = 0;
  #round: Round | undefined;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The last announced round; nothing if the journal is new or damaged. */
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

  /** Announces a round before it is written. */
  begin(round: Round): void {
    format(round, this.#line);
    this.#lineLength = BLANK.length;
    this.#round = round;
    writeAll(this.#file, this.#line, 0);
  }

  /** Records durably that the file was truncated to `size` bytes. */
  recordCut(size: number, cuts: number): void {
    this.begin({ from: size, to: size, cuts });
    this.#file.syncNow();
  }

  close(): void {
    this.#file.close();
  }
}

/** Writes a line over one of the same form. It runs once per round, and so allocates no strings. */
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
  // The text between the numbers and the checksum after them must be exactly as written.
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
