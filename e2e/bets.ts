/**
 * The bets that tests send, and what the servers must do with them. Files are parsed with @std/csv instead of
 * the project's own code, which could not reveal its own mistakes.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { parse } from "@std/csv";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { DATASET_FOLDER, hasDataset } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { betsFiles, type SampleOptions, writeSample } from "../tools/run/bets_folder.ts";

/** A folder with the bets of all agencies, agency-1.csv and so on. */
export interface BetsFolder extends AsyncDisposable {
  path: string;
  agencies: number;
}

/** Returns the bets of the exercise's five agencies; sample bets of the same size where they are missing. */
export async function exerciseBets(): Promise<BetsFolder> {
  if (!hasDataset()) return await sampleBets({ agencies: 5 });
  return { path: DATASET_FOLDER, agencies: 5, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Makes sample bets, in a folder that is removed at the end of its block. */
export async function sampleBets(options: SampleOptions): Promise<BetsFolder> {
  const folder = tempFolder();
  // Containers read it as another user.
  await Deno.chmod(folder.path, 0o755);
  await writeSample(folder.path, options);
  return { ...folder, agencies: options.agencies };
}

/** Returns the bets of each agency, agency 1 first, in the order of its file. A bet is a CSV row. */
export async function readBets({ path, agencies }: BetsFolder): Promise<string[][]> {
  return await Promise.all(
    betsFiles(path, agencies).map(async (file) => {
      return parse(await Deno.readTextFile(file)).map((row) => row.join(","));
    }),
  );
}

/** Returns the documents of each agency's winners, in the order of its bets. */
export function winnersOf(bets: string[][]): string[][] {
  return bets.map((rows) => {
    const fields = rows.map((row) => row.split(","));
    return fields.filter((row) => row[4] === String(WINNING_NUMBER)).map((row) => row[2]);
  });
}

/** Asserts that the volume holds exactly these bets, those of each agency in order. */
export async function assertStored(volume: string, bets: string[][]): Promise<void> {
  assertRows(await Deno.readTextFile(`${volume}/bets.csv`), bets);
}

/** Asserts that rows in the form of bets.csv are exactly these bets, those of each agency in order. */
export function assertRows(text: string, bets: string[][]): void {
  const stored: string[][] = bets.map(() => []);
  for (const [agency, ...row] of parse(text)) stored[Number(agency) - 1].push(row.join(","));
  for (const [index, rows] of bets.entries()) {
    assertEquals(stored[index].length, rows.length, `number of bets of agency ${index + 1}`);
    const different = rows.findIndex((row, at) => row !== stored[index][at]);
    assertEquals(different, -1, `agency ${index + 1}: bet ${different + 1} differs`);
  }
}
