/**
 * The documents of an agency's winners, in memory: as bytes, each once.
 *
 * @module
 */

import { SEMICOLON } from "../../shared/ascii.ts";

/** Size of the first piece. Each one is twice as large as the one before, up to a limit. */
const PIECE_BYTES_MIN = 64;
/** Making and filling a piece of this size takes a fraction of a millisecond. */
const PIECE_BYTES_MAX = 64 * 1024;
/** Up to here a loop copies faster than a subarray is made. */
const LOOPED_BYTES_MAX = 64;

/**
 * A list of documents that grows by pieces. Unlike a buffer that is copied whenever it grows, it never takes
 * long, and never takes twice the memory.
 */
export class WinnerDocuments {
  /** The full pieces, each without the `;` at its end. */
  readonly #full: Uint8Array<ArrayBuffer>[] = [];
  #piece = new Uint8Array(PIECE_BYTES_MIN);
  #length = 0;

  /** Appends the documents from `from` to `to`, each with a `;` after it. */
  write(bytes: Uint8Array, from: number, to: number): void {
    const room = this.#piece.length - this.#length;
    if (to - from <= room) return this.#append(bytes, from, to);
    const split = bytes.subarray(from, from + room).lastIndexOf(SEMICOLON) + 1;
    this.#append(bytes, from, from + split);
    this.#startPiece(split === 0 ? to - from : 0);
    this.write(bytes, from + split, to);
  }

  /** The documents so far, in pieces that later ones do not change. `;` separates those of a piece. */
  pieces(): Uint8Array<ArrayBuffer>[] {
    if (this.#length === 0) return [...this.#full];
    return [...this.#full, this.#piece.subarray(0, this.#length - 1)];
  }

  #append(bytes: Uint8Array, from: number, to: number): void {
    const [piece, length] = [this.#piece, this.#length];
    if (to - from > LOOPED_BYTES_MAX) piece.set(bytes.subarray(from, to), length);
    else for (let at = from; at < to; at++) piece[length + at - from] = bytes[at];
    this.#length = length + to - from;
  }

  #startPiece(bytesMin: number): void {
    if (this.#length > 0) this.#full.push(this.#piece.subarray(0, this.#length - 1));
    const bytes = Math.min(2 * this.#piece.length, PIECE_BYTES_MAX);
    this.#piece = new Uint8Array(Math.max(bytes, bytesMin));
    this.#length = 0;
  }
}
