/**
 * Packs bets into StoreBatch packets.
 *
 * @module
 */

import { COLON, LINE_FEED } from "../shared/ascii.ts";
import { startOfBet } from "../shared/simd/bet_translator.ts";
import { ByteBuffer } from "../shared/bytes.ts";
import { encodeStoreHead } from "../shared/packets.ts";
import type { BetBlock } from "./bet_source.ts";

/** Some bets in a row, in the packet that carries them. */
export class Batch {
  readonly #head: Uint8Array;
  readonly #buffer: ByteBuffer;
  /** Where the bets end that are still to be sent: at a `:`, or behind the last one. */
  #ends: number[] = [];

  constructor(agency: number) {
    this.#head = encodeStoreHead("StoreBatch", agency);
    this.#buffer = new ByteBuffer(8192);
    this.clear();
  }

  /** How many bets it holds. */
  get count(): number {
    return this.#ends.length;
  }

  /** Length of the packet, its line end included. */
  get byteLength(): number {
    return this.#buffer.length + 1;
  }

  /** Drops all bets. */
  clear(): void {
    this.#ends = [];
    this.#buffer.length = 0;
    this.#buffer.write(this.#head);
  }

  /** Adds bets of a block, from `first` up to `last`, the latter excluded. */
  add({ bytes, ends }: BetBlock, first: number, last: number): void {
    if (this.count > 0) this.#buffer.writeByte(COLON);
    const start = startOfBet(ends, first);
    const shift = this.#buffer.length - start;
    for (let index = first; index < last; index++) this.#ends.push(ends[index] + shift);
    this.#buffer.write(bytes.subarray(start, ends[last - 1]));
  }

  /** Drops the first `count` bets: they are stored already. */
  dropFirst(count: number): void {
    if (count >= this.count) return this.clear();
    const { bytes, length } = this.#buffer;
    const start = count === 0 ? this.#head.length : this.#ends[count - 1] + 1;
    const shift = start - this.#head.length;
    bytes.copyWithin(this.#head.length, start, length);
    this.#buffer.length -= shift;
    this.#ends = this.#ends.slice(count).map((end) => end - shift);
  }

  /** The packet, its line end included: good until the batch changes. */
  packet(): Uint8Array<ArrayBuffer> {
    this.#buffer.writeByte(LINE_FEED);
    const packet = this.#buffer.view();
    this.#buffer.length--;
    return packet;
  }
}

/** Where bets come from: nothing at their end. */
export interface BetBlocks {
  read(): Promise<BetBlock | undefined>;
}

/** What a batch may hold. */
export interface BatchLimits {
  /** Most bets. */
  betsMax: number;
  /** Longest packet, in bytes, its line end included. A bet alone must fit. */
  bytesMax: number;
}

/** Packs the bets of a source into batches, in their order. */
export class BatchPacker {
  readonly #source: BetBlocks;
  readonly #limits: BatchLimits;
  #block: BetBlock | undefined;
  /** The next bet in the block. */
  #next = 0;

  constructor(source: BetBlocks, limits: BatchLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** Leaves out the next `count` bets, or all if there are fewer. */
  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0 && await this.#hasBet()) {
      const step = Math.min(left, this.#block!.count - this.#next);
      this.#next += step;
      left -= step;
    }
  }

  /** Fills `batch` with the next bets, as many as it may hold. It is empty when there are no more. */
  async pack(batch: Batch): Promise<void> {
    batch.clear();
    const { betsMax, bytesMax } = this.#limits;
    while (batch.count < betsMax && await this.#hasBet()) {
      const block = this.#block!;
      const separatorBytes = batch.count > 0 ? 1 : 0;
      const room = bytesMax - batch.byteLength - separatorBytes;
      const last = Math.min(block.count, this.#next + betsMax - batch.count);
      const fitting = this.#fitting(block, last, room);
      if (fitting === this.#next) return;
      batch.add(block, this.#next, fitting);
      this.#next = fitting;
    }
  }

  /** How far the next bets of a block fit into so many bytes: not farther than `last`. */
  #fitting({ ends }: BetBlock, last: number, room: number): number {
    const end = startOfBet(ends, this.#next) + room;
    let fitting = this.#next;
    while (fitting < last && ends[fitting] <= end) fitting++;
    return fitting;
  }

  async #hasBet(): Promise<boolean> {
    while (this.#block === undefined || this.#next >= this.#block.count) {
      this.#block = await this.#source.read();
      if (this.#block === undefined) return false;
      this.#next = 0;
    }
    return true;
  }
}
