/**
 * The folder of the agencies' bets, agency-1.csv to agency-N.csv, and sample bets to fill it with.
 *
 * @module
 */

import { unlessNotFound } from "../project.ts";
import { RandomIntegers, sampleBet, sampleSizes } from "./sample_bets.ts";

/** How many sample bets there are by default, over all agencies. */
export const SAMPLE_BETS = 78_000;
/** The seed of the sample bets by default. */
export const SAMPLE_SEED = 7574;
const CHUNK_BYTES = 64 * 1024;

/** The folder that DATASET names, which is relative to the project's root or absolute. */
export function datasetFolder(root: string, dataset: string): string {
  return dataset.startsWith("/") ? dataset : `${root}/${dataset}`;
}

/** The files of the bets of agencies 1 to `agencies`. */
export function betsFiles(folder: string, agencies: number): string[] {
  return Array.from({ length: agencies }, (_, index) => `${folder}/agency-${index + 1}.csv`);
}

/** Those of the agencies' files that are there. */
export async function presentBetsFiles(folder: string, agencies: number): Promise<string[]> {
  const present: string[] = [];
  for (const path of betsFiles(folder, agencies)) {
    if (await unlessNotFound(Deno.stat(path)) !== undefined) present.push(path);
  }
  return present;
}

/** Which sample bets to make. */
export interface SampleOptions {
  agencies: number;
  /** Over all agencies. @default {78000} */
  bets?: number;
  /** @default {7574} */
  seed?: number;
}

/**
 * Writes the agencies' files, over files that are there. They take their names when all are whole.
 *
 * @returns How many bets each agency got.
 */
export async function writeSample(
  folder: string,
  { agencies, bets = SAMPLE_BETS, seed = SAMPLE_SEED }: SampleOptions,
): Promise<number[]> {
  const random = new RandomIntegers(seed);
  const sizes = sampleSizes(random, agencies, bets);
  const paths = betsFiles(folder, agencies);
  await Deno.mkdir(folder, { recursive: true });
  for (const [index, path] of paths.entries()) {
    await writeBets(`${path}.new`, sizes[index], random);
  }
  for (const path of paths) await Deno.rename(`${path}.new`, path);
  return sizes;
}

async function writeBets(path: string, bets: number, random: RandomIntegers): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  let text = "";
  for (let left = bets; left > 0; left--) {
    const { firstName, lastName, document, birthdate, number } = sampleBet(random);
    // The names hold no comma and no quote.
    text += `${firstName},${lastName},${document},${birthdate},${number}\r\n`;
    if (text.length < CHUNK_BYTES && left > 1) continue;
    for (let bytes = encoder.encode(text); bytes.length > 0;) {
      bytes = bytes.subarray(await file.write(bytes));
    }
    text = "";
  }
}
