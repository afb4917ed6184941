/**
 * Packs bets into batches.
 *
 * @module
 */

import { startOfBet } from "../shared/simd/bet_translator.ts";
import type { Batch } from "./batch.ts";
import type { BetBlock } from "./bet_lines.ts";

/** A source of bets. */
export interface BetBlocks {
  /** Returns the next bets; nothing after the last ones. */
  read(): Promise<BetBlock | undefined>;
}

/** Limits of a batch. */
export interface BatchLimits {
  /** Most bets. */
  betsMax: number;
  /** Longest packet, in bytes, line end included. Any single bet must fit. */
  bytesMax: number;
}

/** Packs the bets of a source into batches, in order. */
export class BatchPacker {
  readonly #source: BetBlocks;
  readonly #limits: BatchLimits;
  #block: BetBlock | undefined;
  /** Index of the next bet in the block. */
  #next = 0;

  constructor(source: BetBlocks, limits: BatchLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** Replaces the bets of `batch` by the next ones, as many as fit. Leaves it empty after the last bet. */
  async pack(batch: Batch): Promise<void> {
    await this.#pack(batch, this.#limits.betsMax);
  }

  /** Packs the next `count` bets, or all if there are fewer, into `batch`, and passes it on each time. */
  async skip(count: number, batch: Batch, pass: (batch: Batch) => void): Promise<void> {
    for (let left = count; left > 0; left -= batch.count) {
      await this.#pack(batch, Math.min(left, this.#limits.betsMax));
      if (batch.count === 0) return;
      pass(batch);
    }
  }

  async #pack(batch: Batch, betsMax: number): Promise<void> {
    batch.clear();
    const { bytesMax } = this.#limits;
    while (batch.count < betsMax && await this.#hasBet()) {
      const block = this.#block!;
      const separatorBytes = batch.count > 0 ? 1 : 0;
      const roomBytes = bytesMax - batch.byteLength - separatorBytes;
      const endMax = Math.min(block.count, this.#next + betsMax - batch.count);
      const end = this.#fittingEnd(block, endMax, roomBytes);
      if (end === this.#next) return;
      batch.add(block, this.#next, end);
      this.#next = end;
    }
  }

  /** Returns the index after the last bet that fits into `roomBytes`, at most `endMax`. */
  #fittingEnd({ ends }: BetBlock, endMax: number, roomBytes: number): number {
    const byteEnd = startOfBet(ends, this.#next) + roomBytes;
    let end = this.#next;
    while (end < endMax && ends[end] <= byteEnd) end++;
    return end;
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
