/**
 * What a server knows of bets.csv without reading it again: a count for each agency, and the documents
 * of its winners. Its memory grows with agencies and winners, not with bets.
 *
 * @module
 */

import { LINE_FEED, SEMICOLON } from "../../../shared/ascii.ts";
import { ByteBuffer } from "../../../shared/bytes.ts";
import { parseRow } from "../../../shared/rows.ts";
import { RowScanner } from "../../../shared/simd/row_scanner.ts";

/** Fields of a row: the agency, and those of its bet. */
const ROW_FIELDS = 6;
/** What is scanned at once stays in the processor's cache. */
const ROOM_BYTES = 256 * 1024;

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
  readonly #winningNumber: string;
  readonly #scanner: RowScanner;
  readonly #winners = new Map<number, ByteBuffer>();

  /** @param winningNumber The number that wins. */
  constructor(winningNumber: number) {
    this.#winningNumber = String(winningNumber);
    this.#scanner = new RowScanner({ winningNumber, inputBytesMax: ROOM_BYTES });
  }

  /** Bets of an agency. */
  count(agency: number): number {
    return this.#scanner.counts[agency];
  }

  /** Documents of an agency's winners, joined by `;`. */
  winners(agency: number): Uint8Array<ArrayBuffer> {
    return this.#winners.get(agency)?.view() ?? new Uint8Array();
  }

  /** Forgets everything. */
  clear(): void {
    this.size = this.#rows = 0;
    this.#scanner.counts.fill(0);
    this.#winners.clear();
  }

  /** Where to put the bytes that follow what was counted before, for {@linkcode take}. */
  get room(): Uint8Array<ArrayBuffer> {
    return this.#scanner.input;
  }

  /**
   * Counts in the whole rows at the beginning of {@linkcode room}.
   *
   * @param length How many bytes were put there.
   * @returns How many bytes were counted; what is behind them is the beginning of a row.
   * @throws {DamagedRowError} If a row is no bet.
   */
  take(length: number): number {
    const wholeRows = this.room.subarray(0, length).lastIndexOf(LINE_FEED) + 1;
    for (let at = 0; at < wholeRows;) {
      const { rows, bytes, winnerBytes } = this.#scanner.scan(at, wholeRows);
      this.#count(rows, bytes);
      at += bytes;
      if (at === wholeRows) break;
      if (winnerBytes === 0) this.#damaged(at);
      this.#takeRow(at, winnerBytes);
      at += winnerBytes + 1;
    }
    return wholeRows;
  }

  /** Counts in rows, of which the last one is whole. */
  scan(rows: Uint8Array): void {
    for (let at = 0; at < rows.length;) {
      const piece = rows.subarray(at, at + this.room.length);
      this.room.set(piece);
      at += this.take(piece.length);
    }
  }

  #count(rows: number, bytes: number): void {
    this.#rows += rows;
    this.size += bytes;
  }

  /** Takes the row that begins at `at` and ends like one that wins. */
  #takeRow(at: number, rowBytes: number): void {
    const fields = parseRow(this.room.subarray(at, at + rowBytes));
    if (fields.length !== ROW_FIELDS) this.#damaged(at);
    const agency = Number(fields[0]);
    if (fields[5] === this.#winningNumber) this.#addWinner(agency, fields[3]);
    this.#scanner.counts[agency]++;
    this.#count(1, rowBytes + 1);
  }

  #addWinner(agency: number, document: string): void {
    let documents = this.#winners.get(agency);
    if (documents === undefined) this.#winners.set(agency, documents = new ByteBuffer(64));
    if (documents.length > 0) documents.writeByte(SEMICOLON);
    documents.writeText(document);
  }

  /** Tells that the row that begins at `at` is no bet. */
  #damaged(at: number): never {
    const end = Math.min(this.room.indexOf(LINE_FEED, at), at + 200);
    const row = new TextDecoder().decode(this.room.subarray(at, end));
    throw new DamagedRowError(this.#rows + 1, this.size, row);
  }
}
