/**
 * A StoreBatch packet.
 *
 * @module
 */

import { COLON, LINE_FEED } from "../shared/ascii.ts";
import { startOfBet } from "../shared/simd/bet_translator.ts";
import { ByteBuffer } from "../shared/bytes.ts";
import { encodeStoreHead } from "../shared/mod.ts";
import type { BetBlock } from "./bet_lines.ts";

/** Consecutive bets of one agency, in the packet that carries them. */
export class Batch {
  readonly #head: Uint8Array;
  readonly #buffer: ByteBuffer;
  /** Where each bet ends in the buffer: at the `:` after it, or at the end of the last bet. */
  #ends: number[] = [];

  constructor(agency: number) {
    this.#head = encodeStoreHead("StoreBatch", agency);
    this.#buffer = new ByteBuffer(8192);
    this.clear();
  }

  /** The number of bets. */
  get count(): number {
    return this.#ends.length;
  }

  /** Length of the packet in bytes, line end included. */
  get byteLength(): number {
    return this.#buffer.length + 1;
  }

  /** Removes all bets. */
  clear(): void {
    this.#ends = [];
    this.#buffer.length = 0;
    this.#buffer.write(this.#head);
  }

  /** Appends the bets of a block from index `from` up to, but without, index `to`. */
  add({ bytes, ends }: BetBlock, from: number, to: number): void {
    if (this.count > 0) this.#buffer.writeByte(COLON);
    const start = startOfBet(ends, from);
    const shift = this.#buffer.length - start;
    for (let index = from; index < to; index++) this.#ends.push(ends[index] + shift);
    this.#buffer.write(bytes.subarray(start, ends[to - 1]));
  }

  /** Removes the first `count` bets, or all if there are fewer. */
  dropFirst(count: number): void {
    if (count >= this.count) return this.clear();
    const { bytes, length } = this.#buffer;
    const start = count === 0 ? this.#head.length : this.#ends[count - 1] + 1;
    const shift = start - this.#head.length;
    bytes.copyWithin(this.#head.length, start, length);
    this.#buffer.length -= shift;
    this.#ends = this.#ends.slice(count).map((end) => end - shift);
  }

  /** Returns the packet of the first `count` bets, without its line end. Valid until the batch changes. */
  firstBets(count: number): Uint8Array<ArrayBuffer> {
    return this.#buffer.view().subarray(0, this.#ends[count - 1]);
  }

  /** Returns the packet, line end included. Valid until the batch changes. */
  packet(): Uint8Array<ArrayBuffer> {
    this.#buffer.writeByte(LINE_FEED);
    const packet = this.#buffer.view();
    this.#buffer.length--;
    return packet;
  }
}
