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
 * whose end lies before everything acknowledged since. With an older line, part of a newer round may be on
 * the disk that was never acknowledged either: another server's sync, or the kernel, has flushed what was
 * half written. Its whole rows stay, and the agency learns of them when it asks for its progress.
 *
 * Only after a truncation could an older line end after bets that are acknowledged later. So
 * {@linkcode RoundJournal.recordCut} syncs before anything else is written. Its writer may be killed before
 * that; so a process that finds a truncation new to it records it again.
 *
 * The second line is the mark: what was durable when it was written. It is written under the lock too, with
 * the next round or soon after the last one, and is not synced. Nothing durable is ever truncated, so a file
 * that is smaller than its mark has lost rows because somebody removed them or the disk lost them.
 *
 * A line that was only partly written carries the checksum of another line, and is ignored.
 *
 * @module
 */

import { parseDigits, putDigits, startsWith } from "../../../shared/bytes.ts";
import { type DiskFile, readFully, writeAll } from "../disk.ts";

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

/** What was durable. */
export interface DurableMark {
  /** Bytes of bets.csv. */
  bets: number;
  /** Bytes of agencies_closed.txt. */
  closed: number;
  /** {@linkcode checksumOf} those bytes of agencies_closed.txt. */
  closedSum: number;
}

/** The mark of a volume on which nothing is known to be durable. */
export const NO_MARK: DurableMark = { bets: 0, closed: 0, closedSum: 0 };

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
const MARK_LINE = new FixedLine<keyof DurableMark>({ bets: 16, closed: 16, closedSum: 10 });

/** Parses the round out of the journal's content; returns nothing if it is missing or damaged. */
export function parseRound(bytes: Uint8Array): Round | undefined {
  return ROUND_LINE.parse(bytes);
}

/** Parses the mark out of the journal's content. A mark that is missing or damaged promises nothing. */
export function parseMark(bytes: Uint8Array): DurableMark {
  return MARK_LINE.parse(bytes.subarray(ROUND_LINE.bytes)) ?? NO_MARK;
}

/** Size of the whole journal in bytes. */
export const JOURNAL_BYTES = ROUND_LINE.bytes + MARK_LINE.bytes;

/** Reads and writes the journal. The lock of bets.csv must be held. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #found = new Uint8Array(JOURNAL_BYTES);
  /** The lines as last read or written, and their parsed form: usually they have not changed since. */
  readonly #bytes = new Uint8Array(JOURNAL_BYTES);
  #length = 0;
  #round: Round | undefined;
  #mark = NO_MARK;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The mark, as last read or written. */
  get mark(): DurableMark {
    return this.#mark;
  }

  /** Whether the name leads to this file, or did so up to `maxAgeMs` ago. */
  isCurrent(maxAgeMs: number): boolean {
    return this.#file.isCurrent(maxAgeMs);
  }

  /** Reads both lines. Returns the last announced round; nothing if the journal is new or damaged. */
  read(): Round | undefined {
    const length = readFully(this.#file, this.#found, 0);
    const found = this.#found.subarray(0, length);
    if (length !== this.#length || !startsWith(this.#bytes, found)) {
      this.#bytes.set(found);
      this.#length = length;
      this.#round = parseRound(found);
      this.#mark = parseMark(found);
    }
    return this.#round;
  }

  /** Announces a round before it is written, and writes down what is durable. */
  begin(round: Round, mark: DurableMark = this.#mark): void {
    ROUND_LINE.format(round, this.#bytes);
    this.#round = round;
    this.#writeMark(mark, 0);
  }

  /** Writes down what is durable. */
  writeMark(mark: DurableMark): void {
    this.#writeMark(mark, this.#length < ROUND_LINE.bytes ? 0 : ROUND_LINE.bytes);
  }

  /** Records durably that the file was truncated to `size` bytes. */
  recordCut(size: number, { cuts, recalls }: Pick<Round, "cuts" | "recalls">): void {
    this.begin({ from: size, to: size, cuts, recalls });
    this.#file.syncNow();
  }

  close(): void {
    this.#file.close();
  }

  #writeMark(mark: DurableMark, from: number): void {
    MARK_LINE.format(mark, this.#bytes.subarray(ROUND_LINE.bytes));
    this.#mark = mark;
    this.#length = JOURNAL_BYTES;
    writeAll(this.#file, this.#bytes.subarray(from), from);
  }
}

/** A checksum: 32-bit FNV-1a. */
export function checksumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) sum = Math.imul(sum ^ bytes[at], 0x01000193);
  return sum >>> 0;
}
