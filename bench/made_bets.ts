/**
 * Bets to measure with, the same ones each time, as long as people's are.
 *
 * @module
 */

import { RandomIntegers, sampleBet } from "../tools/run/sample_bets.ts";

const SEED = 2026;
/** Big files consist of blocks of so many bets, the same ones in each: reading them costs the same. */
export const BLOCK_BETS = 50_000;

/** Makes bets, each as its fields without the agency, in the order of packets and of CSV files. */
export function madeBets(count: number): string[][] {
  const random = new RandomIntegers(SEED);
  return Array.from({ length: count }, () => {
    const { firstName, lastName, document, birthdate, number } = sampleBet(random);
    return [firstName, lastName, document, birthdate, String(number)];
  });
}

/** Appends blocks to a file, and waits for the disk: what it has still to write must not be measured. */
export function appendBlocks(path: string, block: Uint8Array, count: number): void {
  using file = Deno.openSync(path, { create: true, append: true });
  for (let written = 0; written < count; written++) {
    for (let at = 0; at < block.length;) at += file.writeSync(block.subarray(at));
  }
  file.syncSync();
}
