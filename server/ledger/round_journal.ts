/**
 * The journal of the round in hand: bets.csv.round says from where to where the last round of appends
 * was to go. A writer that was killed half way leaves bets.csv shorter than that, and the next holder of
 * the lock knows what to cut off, so that a batch is whole or absent.
 *
 * It is one line of fixed length, overwritten in place, and read and written under the lock of bets.csv.
 *
 * Why it need not be synced with each round: a power cut can bring back an older line, and that one's
 * end is not behind anything acknowledged; or let a newer line stand for a round that never was synced,
 * and so never acknowledged. Only after a cut could an older line's end lie behind bets that are
 * acknowledged later. So {@linkcode RoundJournal.recordCut} syncs, before anything else is written.
 *
 * @module
 */

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

const PATTERN = /^from=(\d{16}) to=(\d{16}) cuts=(\d{12})\n$/;
const RECORD_BYTES = "from=".length + 16 + " to=".length + 16 + " cuts=".length + 12 + 1;

/** Reads and writes the journal. */
export class RoundJournal {
  readonly #file: DiskFile;
  readonly #record = new Uint8Array(RECORD_BYTES);

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The last round that was begun; nothing if the journal is new or damaged. */
  read(): Round | undefined {
    const length = readFully(this.#file, this.#record, 0);
    const match = PATTERN.exec(new TextDecoder().decode(this.#record.subarray(0, length)));
    if (match === null) return undefined;
    return { from: Number(match[1]), to: Number(match[2]), cuts: Number(match[3]) };
  }

  /** Says where the next round will go, before it is written. */
  begin(round: Round): void {
    const digits = (value: number, count: number) => String(value).padStart(count, "0");
    const line = `from=${digits(round.from, 16)} to=${digits(round.to, 16)} ` +
      `cuts=${digits(round.cuts, 12)}\n`;
    writeAll(this.#file, new TextEncoder().encode(line), 0);
  }

  /** Says for good that the file was cut back to `size`; returns the round that stands there now. */
  recordCut(size: number, cuts: number): Round {
    const round = { from: size, to: size, cuts };
    this.begin(round);
    this.#file.syncNow();
    return round;
  }

  close(): void {
    this.#file.close();
  }
}
