/**
 * Removes the quotes from rows of bets.csv without making strings, for rows that servers have written. Callers leave
 * every other row to the code that knows all cases and reports their faults.
 *
 * @module
 */

import { COMMA, QUOTE, SEMICOLON } from "../../shared/ascii.ts";

/** Fields of a row: the agency, and those of its bet. */
const ROW_FIELDS = 6;

/** The row read last. */
export class UnquotedRow {
  /** Its fields, each with a `;` after it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each field ends in {@linkcode bytes}. */
  readonly ends = new Int32Array(ROW_FIELDS);
  #length = 0;
  /** The next byte of the row. */
  #at = 0;

  /** @param rowBytesMax Longest row that can be read. */
  constructor(rowBytesMax: number) {
    this.bytes = new Uint8Array(rowBytesMax + 1);
  }

  /** Where its last field ends. */
  get length(): number {
    return this.ends[ROW_FIELDS - 1];
  }

  /**
   * Reads the row from `from` to `to`.
   *
   * @returns Whether it has six fields without a `;`, of which exactly those are quoted that have to be.
   */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from >= this.bytes.length) return false;
    this.#at = from;
    this.#length = 0;
    for (let field = 0; field < ROW_FIELDS; field++) {
      const isRead = this.#at < to && bytes[this.#at] === QUOTE
        ? this.#readQuoted(bytes, to)
        : this.#readPlain(bytes, to);
      if (!isRead) return false;
      this.ends[field] = this.#length;
      this.bytes[this.#length++] = SEMICOLON;
      const isLast = field === ROW_FIELDS - 1;
      if (isLast !== (this.#at === to)) return false;
      if (!isLast && bytes[this.#at++] !== COMMA) return false;
    }
    return true;
  }

  #readPlain(bytes: Uint8Array, to: number): boolean {
    for (; this.#at < to && bytes[this.#at] !== COMMA; this.#at++) {
      const byte = bytes[this.#at];
      if (byte === QUOTE || byte === SEMICOLON) return false;
      this.bytes[this.#length++] = byte;
    }
    return true;
  }

  #readQuoted(bytes: Uint8Array, to: number): boolean {
    let needsQuotes = false;
    for (this.#at++; this.#at < to; this.#at++) {
      const byte = bytes[this.#at];
      if (byte === SEMICOLON) return false;
      if (byte === QUOTE) {
        const isDoubled = ++this.#at < to && bytes[this.#at] === QUOTE;
        if (!isDoubled) return needsQuotes;
      }
      if (byte === QUOTE || byte === COMMA) needsQuotes = true;
      this.bytes[this.#length++] = byte;
    }
    return false;
  }
}
