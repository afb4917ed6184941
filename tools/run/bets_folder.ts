/**
 * The folder of the agencies' bets, agency-1.csv to agency-N.csv, and sample bets to fill it with.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import { PROJECT_ROOT, unlessNotFound } from "../project.ts";
import { RandomIntegers, sampleBet, sampleSizes } from "./sample_bets.ts";
import { recordedSamples, recordSamples, UNFINISHED_SAMPLE } from "./sample_record.ts";

/** Default number of sample bets, over all agencies. */
export const SAMPLE_BETS = 78_000;
/** Default seed of the sample bets. */
export const SAMPLE_SEED = 7574;
/** Number of rows per write. */
const CHUNK_BETS = 1000;

/** Returns the folder that DATASET names, absolute or relative to the project's root. */
export function datasetFolder(dataset: string, root: string = PROJECT_ROOT): string {
  return dataset.startsWith("/") ? dataset : `${root}/${dataset}`;
}

/** Returns the paths of the bets of agencies 1 to `agencies`. */
export function betsFiles(folder: string, agencies: number): string[] {
  return Array.from({ length: agencies }, (_, index) => `${folder}/agency-${index + 1}.csv`);
}

/** Returns those paths of {@linkcode betsFiles} that exist. */
export async function presentBetsFiles(folder: string, agencies: number): Promise<string[]> {
  const paths = betsFiles(folder, agencies);
  const infos = await Promise.all(paths.map((path) => unlessNotFound(Deno.stat(path))));
  return paths.filter((_, index) => infos[index] !== undefined);
}

/**
 * Counts the bets of each agency, agency 1 first: the lines of its file, the last of which may lack its line end.
 * The files have been checked.
 */
export async function countBets(
  { dataset, clients }: { dataset: string; clients: number },
  root: string = PROJECT_ROOT,
): Promise<number[]> {
  const counts: number[] = [];
  for (const path of betsFiles(datasetFolder(dataset, root), clients)) {
    counts.push(await countLines(path));
  }
  return counts;
}

async function countLines(path: string): Promise<number> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1024 * 1024);
  let [lines, last] = [0, LINE_FEED];
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    for (let at = buffer.indexOf(LINE_FEED); at >= 0 && at < count;) {
      lines++;
      at = buffer.indexOf(LINE_FEED, at + 1);
    }
    last = buffer[count - 1];
  }
  return last === LINE_FEED ? lines : lines + 1;
}

/** Which sample bets to make. */
export interface SampleOptions {
  agencies: number;
  /** Number of bets over all agencies. @default {78000} */
  bets?: number;
  /** @default {7574} */
  seed?: number;
}

/**
 * Writes sample bets for every agency and replaces existing files, but only once all new ones are
 * complete. Removes sample bets of other agencies, which nobody would send.
 *
 * @returns The number of bets of each agency.
 */
export async function writeSample(
  folder: string,
  { agencies, bets = SAMPLE_BETS, seed = SAMPLE_SEED }: SampleOptions,
): Promise<number[]> {
  const random = new RandomIntegers(seed);
  const sizes = sampleSizes(random, agencies, bets);
  const unfinished = `${folder}/${UNFINISHED_SAMPLE}`;
  const names = betsFiles(unfinished, agencies).map((path) => path.slice(unfinished.length + 1));
  await Deno.mkdir(unfinished, { recursive: true });
  for (const [index, name] of names.entries()) {
    const text = ReadableStream.from(sampleCsv(sizes[index], random));
    await Deno.writeTextFile(`${unfinished}/${name}`, text);
  }
  for (const name of await recordedSamples(folder)) {
    if (!names.includes(name)) await Deno.remove(`${folder}/${name}`);
  }
  // Recorded first: a sample must never pass for real bets.
  await recordSamples(folder, { names, source: unfinished });
  for (const name of names) await Deno.rename(`${unfinished}/${name}`, `${folder}/${name}`);
  await Deno.remove(unfinished, { recursive: true });
  return sizes;
}

/** Yields the text of a file of sample bets. No name contains a comma or a quote. */
function* sampleCsv(bets: number, random: RandomIntegers): Generator<string> {
  for (let left = bets; left > 0; left -= CHUNK_BETS) {
    const row = () => `${Object.values(sampleBet(random)).join(",")}\r\n`;
    yield Array.from({ length: Math.min(left, CHUNK_BETS) }, row).join("");
  }
}
