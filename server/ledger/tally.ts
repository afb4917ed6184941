/**
 * What a server knows of bets.csv without reading it again: a count for each agency, and the documents
 * of its winners. Its memory grows with agencies and winners, not with bets.
 *
 * @module
 */

import { AGENCIES_MAX } from "../../shared/bet.ts";
import { ByteBuffer } from "../../shared/bytes.ts";
import { parseRow } from "./rows.ts";

const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const SEMICOLON = 0x3b;
const ZERO = 0x30;

/** A row of bets.csv is no bet. What is behind it has not been read. */
export class DamagedRowError extends Error {
  override name = "DamagedRowError";
  /** Counted from 1. */
  readonly line: number;
  /** Of the row's first byte, from the beginning of the file. */
  readonly offset: number;

  constructor(line: number, offset: number, row: string) {
    super(
      `Cannot read bets.csv: line ${line}, at byte ${offset}, is no bet: ${JSON.stringify(row)}. ` +
        `Stop the servers, mend that line by hand and delete bets.csv.round; nothing was changed`,
    );
    this.line = line;
    this.offset = offset;
  }
}

/** Counts rows and collects winners, in the order of the file. */
export class Tally {
  /** Bytes of the file that are counted in. Always the end of a row. */
  size = 0;
  #rows = 0;
  readonly #counts = new Float64Array(AGENCIES_MAX + 1);
  readonly #winners = new Map<number, ByteBuffer>();
  readonly #winningTail: Uint8Array;

  /** @param winningNumber The number that wins. */
  constructor(winningNumber: number) {
    this.#winningTail = new TextEncoder().encode(`,${winningNumber}`);
  }

  /** Bets of an agency. */
  count(agency: number): number {
    return this.#counts[agency];
  }

  /** Documents of an agency's winners, joined by `;`. */
  winners(agency: number): Uint8Array<ArrayBuffer> {
    return this.#winners.get(agency)?.view() ?? new Uint8Array();
  }

  /** Counts in rows that this process wrote itself, winners apart. */
  add(agency: number, rows: number, bytes: number): void {
    this.#counts[agency] += rows;
    this.#rows += rows;
    this.size += bytes;
  }

  /** Adds a winner's document. */
  addWinner(agency: number, document: Uint8Array): void {
    let documents = this.#winners.get(agency);
    if (documents === undefined) this.#winners.set(agency, documents = new ByteBuffer(64));
    if (documents.length > 0) documents.writeByte(SEMICOLON);
    documents.write(document);
  }

  /** Forgets everything. */
  clear(): void {
    this.size = this.#rows = 0;
    this.#counts.fill(0);
    this.#winners.clear();
  }

  /**
   * Counts in the whole rows at the beginning of `bytes`, which follow what was counted before.
   *
   * @returns How many bytes that were; what is behind them is the beginning of a row.
   * @throws {DamagedRowError} If a row is no bet.
   */
  scan(bytes: Uint8Array): number {
    const last = bytes.lastIndexOf(LINE_FEED);
    // A power cut on some file systems leaves a hole: zeros that would hide the line ends in it.
    const hole = bytes.subarray(0, last + 1).indexOf(0);
    let at = 0;
    while (at <= last) {
      const start = at;
      let agency = 0;
      for (; bytes[at] !== COMMA; at++) {
        const digit = bytes[at] - ZERO;
        agency = agency * 10 + digit;
        if (digit < 0 || digit > 9 || agency > AGENCIES_MAX) this.#damaged(bytes, start);
      }
      if (agency === 0) this.#damaged(bytes, start);
      while (bytes[at] !== LINE_FEED) at++;
      if (!isDigit(bytes[at - 1]) || (hole >= 0 && hole < at)) this.#damaged(bytes, start);
      if (this.#isWinner(bytes, at)) this.#addWinningRow(agency, bytes, start, at);
      this.#counts[agency]++;
      this.#rows++;
      at++;
      this.size += at - start;
    }
    return at;
  }

  /** Whether the row that ends at `end` ends in the winning number. */
  #isWinner(bytes: Uint8Array, end: number): boolean {
    const tail = this.#winningTail;
    let from = end - tail.length;
    for (let at = 0; at < tail.length; at++) {
      if (bytes[from++] !== tail[at]) return false;
    }
    return true;
  }

  #addWinningRow(agency: number, bytes: Uint8Array, start: number, end: number): void {
    const fields = parseRow(bytes.subarray(start, end));
    if (fields.length !== 6) this.#damaged(bytes, start);
    this.addWinner(agency, new TextEncoder().encode(fields[3]));
  }

  #damaged(bytes: Uint8Array, start: number): never {
    const end = Math.min(bytes.indexOf(LINE_FEED, start), start + 200);
    const row = new TextDecoder().decode(bytes.subarray(start, end));
    throw new DamagedRowError(this.#rows + 1, this.size, row);
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
