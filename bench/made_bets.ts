/**
 * Bets to measure with: the same ones each time, of realistic length.
 *
 * @module
 */

import { RandomIntegers, sampleBet } from "../tools/run/sample_bets.ts";

const SEED = 2026;
/** Large files repeat a block of this many bets, so that each block costs the same to read. */
export const BLOCK_BETS = 50_000;

/** Makes bets. Each is its fields without the agency, in the order of packets and CSV files. */
export function madeBets(count: number): string[][] {
  const random = new RandomIntegers(SEED);
  return Array.from({ length: count }, () => {
    const { firstName, lastName, document, birthdate, number } = sampleBet(random);
    return [firstName, lastName, document, birthdate, String(number)];
  });
}

/** Makes batches of one agency, each of them rows of bets.csv. */
export function madeBatches(
  agency: number,
  { batches, bets }: { batches: number; bets: number },
): Uint8Array<ArrayBuffer>[] {
  const rows = madeBets(batches * bets).map((fields) => `${agency},${fields.join(",")}\n`);
  return Array.from(
    { length: batches },
    (_, at) => new TextEncoder().encode(rows.slice(at * bets, (at + 1) * bets).join("")),
  );
}

/** Appends blocks to a file and syncs it, so that later figures do not include its writing. */
export function appendBlocks(path: string, block: Uint8Array, count: number): void {
  using file = Deno.openSync(path, { create: true, append: true });
  for (let written = 0; written < count; written++) {
    for (let at = 0; at < block.length;) at += file.writeSync(block.subarray(at));
  }
  file.syncSync();
}
