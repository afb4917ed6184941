/**
 * Packs bets into StoreBatch packets.
 *
 * @module
 */

import { ByteBuffer } from "../shared/bytes.ts";
import { encodeStoreHead } from "../shared/packets.ts";
import type { BetBlock } from "./bet_source.ts";

const LINE_FEED = 0x0a;
const COLON = 0x3a;

/** Some bets in a row, in the packet that carries them. */
export class Batch {
  readonly #head: Uint8Array;
  readonly #buffer: ByteBuffer;
  /** Where the bets begin that are still to be sent. Each ends where a `:` or the line end stands. */
  #starts: number[] = [];

  constructor(agency: number) {
    this.#head = encodeStoreHead("StoreBatch", agency);
    this.#buffer = new ByteBuffer(8192);
    this.clear();
  }

  /** How many bets it holds. */
  get count(): number {
    return this.#starts.length;
  }

  /** Length of the packet, its line end included. */
  get byteLength(): number {
    return this.#buffer.length + 1;
  }

  /** Drops all bets. */
  clear(): void {
    this.#starts = [];
    this.#buffer.length = 0;
    this.#buffer.write(this.#head);
  }

  /** Adds a bet, as a packet carries it. */
  add(bet: Uint8Array): void {
    if (this.count > 0) this.#buffer.writeByte(COLON);
    this.#starts.push(this.#buffer.length);
    this.#buffer.write(bet);
  }

  /** Drops the first `count` bets: they are stored already. */
  dropFirst(count: number): void {
    if (count >= this.count) return this.clear();
    const { bytes, length } = this.#buffer;
    const shift = this.#starts[count] - this.#head.length;
    bytes.copyWithin(this.#head.length, this.#starts[count], length);
    this.#buffer.length -= shift;
    this.#starts = this.#starts.slice(count).map((start) => start - shift);
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
      const { bytes, starts, ends, count } = this.#block!;
      for (; this.#next < count && batch.count < betsMax; this.#next++) {
        const start = starts[this.#next];
        const end = ends[this.#next];
        const separatorBytes = batch.count > 0 ? 1 : 0;
        if (batch.byteLength + separatorBytes + end - start > bytesMax) return;
        batch.add(bytes.subarray(start, end));
      }
    }
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
