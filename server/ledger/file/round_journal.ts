/**
 * The journal of bets.csv: the file bets.csv.round, two lines of fixed length, overwritten in place.
 *
 * The first line announces the current round: from where to where in bets.csv the last round of appends
 * goes. A writer that is killed halfway leaves bets.csv shorter than that, and the next holder of the lock
 * knows what to truncate, so that a batch is whole or absent. The line is read and written under the lock of
 * bets.csv.
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
 * The second line is the mark: sizes that were durable when it was written. It is written after a sync, without
 * a lock and without a sync of its own. Nothing durable is ever truncated, so a file that is smaller than its
 * mark has lost rows to a hand or to a disk, not to a crash. Two writers may race, and a smaller mark may
 * replace a larger one for a moment: that weakens the check and cannot make it wrong.
 *
 * A line that was only partly written carries the checksum of another line, and is ignored.
 *
 * @module
 */

import { parseDigits, putDigits, startsWith } from "../../../shared/bytes.ts";
import { type DiskFile, readFully, writeAll } from "./disk.ts";

/** The current round. */
export interface Round {
  /** Position in bets.csv at which the round begins. */
  from: number;
  /** Position in bets.csv at which the round ends. */
  to: number;
  /** How often bets.csv was truncated. */
  cuts: number;
  /** How often whole rows were taken back. A process that has counted rows before must count again. */
  recalls: number;
}

/** Sizes that were durable. */
export interface DurableMark {
  /** Bytes of bets.csv. */
  bets: number;
  /** Bytes of agencies_closed.txt. */
  closed: number;
}

const encoder = new TextEncoder();
const CHECKSUM = "sum";
const CHECKSUM_DIGITS = 10;

/** A line of fixed length: named numbers, padded with zeros, and a checksum. */
class FixedLine<Name extends string> {
  readonly #names: readonly Name[];
  /** Position after the digits of each number, the checksum last. */
  readonly #ends: number[] = [];
  readonly #starts: number[] = [];
  readonly #blank: Uint8Array<ArrayBuffer>;

  /** @param digits The digits of each number, by name, in their order. */
  constructor(digits: Record<Name, number>) {
    this.#names = Object.keys(digits) as Name[];
    let text = "";
    for (const [name, count] of [...Object.entries(digits), [CHECKSUM, CHECKSUM_DIGITS]]) {
      text += `${text === "" ? "" : " "}${name}=`;
      this.#starts.push(text.length);
      text += "0".repeat(count as number);
      this.#ends.push(text.length);
    }
    this.#blank = encoder.encode(`${text}\n`);
  }

  get bytes(): number {
    return this.#blank.length;
  }

  /** Writes a line into `line`. It runs once per round, and so allocates no strings. */
  format(values: Record<Name, number>, line: Uint8Array): void {
    line.set(this.#blank);
    for (let at = 0; at < this.#names.length; at++) {
      putDigits(line, this.#ends[at], values[this.#names[at]]);
    }
    const last = this.#names.length;
    putDigits(line, this.#ends[last], checksumOf(line.subarray(0, this.#ends[last - 1])));
  }

  /** Parses the line at the beginning of `bytes`; returns nothing if it is missing or damaged. */
  parse(bytes: Uint8Array): Record<Name, number> | undefined {
    if (bytes.length < this.bytes) return undefined;
    const values = this.#names.map((_, at) =>
      parseDigits(bytes, this.#starts[at], this.#ends[at], Number.MAX_SAFE_INTEGER)
    );
    if (values.some((value) => value < 0)) return undefined;
    const named = Object.fromEntries(this.#names.map((name, at) => [name, values[at]]));
    // The text between the numbers and the checksum after them must be exactly as written.
    const expected = new Uint8Array(this.bytes);
    this.format(named as Record<Name, number>, expected);
    return startsWith(bytes, expected) ? named as Record<Name, number> : undefined;
  }
}

const ROUND_LINE = new FixedLine<keyof Round>({ from: 16, to: 16, cuts: 12, recalls: 12 });
const MARK_LINE = new FixedLine<keyof DurableMark>({ bets: 16, closed: 16 });

/** Parses the round out of the journal's content; returns nothing if it is missing or damaged. */
export function parseRound(bytes: Uint8Array): Round | undefined {
  return ROUND_LINE.parse(bytes);
}

/** Parses the mark out of the journal's content. A mark that is missing or damaged promises nothing. */
export function parseMark(bytes: Uint8Array): DurableMark {
  return MARK_LINE.parse(bytes.subarray(ROUND_LINE.bytes)) ?? { bets: 0, closed: 0 };
}

/** Size of the whole journal in bytes. */
export const JOURNAL_BYTES = ROUND_LINE.bytes + MARK_LINE.bytes;

/** Reads and writes the journal. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #found = new Uint8Array(ROUND_LINE.bytes);
  /** The line as last read or written, and its parsed form: usually it has not changed since. */
  readonly #line = new Uint8Array(ROUND_LINE.bytes);
  readonly #markLine = new Uint8Array(MARK_LINE.bytes);
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
      this.#round = parseRound(found);
    }
    return this.#round;
  }

  /** Announces a round before it is written. */
  begin(round: Round): void {
    ROUND_LINE.format(round, this.#line);
    this.#lineLength = ROUND_LINE.bytes;
    this.#round = round;
    writeAll(this.#file, this.#line, 0);
  }

  /** Records durably that the file was truncated to `size` bytes. */
  recordCut(size: number, { cuts, recalls }: Pick<Round, "cuts" | "recalls">): void {
    this.begin({ from: size, to: size, cuts, recalls });
    this.#file.syncNow();
  }

  /** The sizes that are known to have been durable. */
  readMark(): DurableMark {
    const bytes = new Uint8Array(JOURNAL_BYTES);
    return parseMark(bytes.subarray(0, readFully(this.#file, bytes, 0)));
  }

  /** Writes down sizes that are durable. */
  writeMark(mark: DurableMark): void {
    MARK_LINE.format(mark, this.#markLine);
    writeAll(this.#file, this.#markLine, ROUND_LINE.bytes);
  }

  close(): void {
    this.#file.close();
  }
}

/** A checksum: 32-bit FNV-1a. */
function checksumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) sum = Math.imul(sum ^ bytes[at], 0x01000193);
  return sum >>> 0;
}
