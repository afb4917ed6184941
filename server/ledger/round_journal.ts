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

import { startsWith } from "../../shared/bytes.ts";
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

const PATTERN = /^(from=(\d{16}) to=(\d{16}) cuts=(\d{12})) sum=(\d{10})\n$/;
const RECORD_BYTES = "from=".length + 16 + " to=".length + 16 + " cuts=".length + 12 +
  " sum=".length + 10 + 1;

/** Reads and writes the journal. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #found = new Uint8Array(RECORD_BYTES);
  /** The line as last read or written, and what it says: mostly it is still the same. */
  #line: Uint8Array = new Uint8Array();
  #round: Round | undefined;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The last round that was begun; nothing if the journal is new or damaged. */
  read(): Round | undefined {
    const length = readFully(this.#file, this.#found, 0);
    const found = this.#found.subarray(0, length);
    if (found.length !== this.#line.length || !startsWith(found, this.#line)) {
      this.#line = found.slice();
      this.#round = parse(new TextDecoder().decode(found));
    }
    return this.#round;
  }

  /** Says where the next round will go, before it is written. */
  begin(round: Round): void {
    this.#line = new TextEncoder().encode(format(round));
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

function format({ from, to, cuts }: Round): string {
  const digits = (value: number, count: number) => String(value).padStart(count, "0");
  const line = `from=${digits(from, 16)} to=${digits(to, 16)} cuts=${digits(cuts, 12)}`;
  return `${line} sum=${digits(sumOf(line), 10)}\n`;
}

function parse(line: string): Round | undefined {
  const match = PATTERN.exec(line);
  if (match === null || Number(match[5]) !== sumOf(match[1])) return undefined;
  return { from: Number(match[2]), to: Number(match[3]), cuts: Number(match[4]) };
}

/** A checksum of a line in ASCII: 32-bit FNV-1a. */
function sumOf(line: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < line.length; at++) {
    sum = Math.imul(sum ^ line.charCodeAt(at), 0x01000193) >>> 0;
  }
  return sum;
}
