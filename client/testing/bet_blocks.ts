/**
 * Bets for the client's tests.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { BetBlocks } from "../batch_packer.ts";
import type { BetBlock } from "../bet_lines.ts";

/** Returns a block of one or more bets. */
export function blockOf(bets: readonly string[]): BetBlock {
  const encoded = bets.map((bet) => new TextEncoder().encode(`${bet}:`));
  let length = 0;
  const ends = Int32Array.from(encoded, (bet) => (length += bet.length) - 1);
  return { bytes: Uint8Array.from(encoded.flatMap((bet) => [...bet])), ends, count: bets.length };
}

/** Returns a source of bets, in blocks of `betsInBlock`. */
export function blocksOf(bets: readonly string[], betsInBlock: number): BetBlocks {
  let next = 0;
  return {
    read() {
      const some = bets.slice(next, next += betsInBlock);
      return Promise.resolve(some.length === 0 ? undefined : blockOf(some));
    },
  };
}

/** Returns the bets of a block as texts. */
export function textsOf({ bytes, count, ends }: BetBlock): string[] {
  const bets = new TextDecoder().decode(bytes.subarray(0, ends[count - 1])).split(":");
  assertEquals(bets.length, count);
  return bets;
}
