/**
 * The bets that tests send, and what must become of them. It parses with @std/csv, not with the
 * project's own code: a fault in that would not be seen by itself.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { parse } from "@std/csv";
import { betsFiles, type SampleOptions, writeSample } from "../tools/run/bets_folder.ts";
import { COURSE_DATASET, needs } from "./needs.ts";

/** The number that wins, by default. */
const WINNING_NUMBER = "7574";

/** Bets of agencies, in a folder of agency-N.csv. */
export interface BetsFolder extends AsyncDisposable {
  path: string;
  agencies: number;
}

/** The course's bets where they are at hand, else a sample of the same size. */
export async function courseBets(): Promise<BetsFolder> {
  if (needs({ dataset: true }).ignore) return await sampleBets({ agencies: 5 });
  return { path: COURSE_DATASET, agencies: 5, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Sample bets, in a folder that is removed at the end of its block. */
export async function sampleBets(options: SampleOptions): Promise<BetsFolder> {
  const path = await Deno.makeTempDir({ prefix: "lottery bets " });
  // Containers are another user.
  await Deno.chmod(path, 0o755);
  await writeSample(path, options);
  return {
    path,
    agencies: options.agencies,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The bets of every agency, the first one's first, in the order of its file, each a row as text. */
export async function readBets({ path, agencies }: BetsFolder): Promise<string[][]> {
  return await Promise.all(
    betsFiles(path, agencies).map(async (file) => {
      return parse(await Deno.readTextFile(file)).map((row) => row.join(","));
    }),
  );
}

/** The documents of every agency's winners, in the order of its bets. */
export function winnersOf(bets: string[][]): string[][] {
  return bets.map((rows) => {
    const fields = rows.map((row) => row.split(","));
    return fields.filter((row) => row[4] === WINNING_NUMBER).map((row) => row[2]);
  });
}

/** Makes sure that the volume holds exactly these bets, each agency's in its order. */
export async function assertStored(volume: string, bets: string[][]): Promise<void> {
  const stored: string[][] = bets.map(() => []);
  for (const [agency, ...row] of parse(await Deno.readTextFile(`${volume}/bets.csv`))) {
    stored[Number(agency) - 1].push(row.join(","));
  }
  for (const [index, rows] of bets.entries()) {
    assertEquals(stored[index].length, rows.length, `number of bets of agency ${index + 1}`);
    const wrong = rows.findIndex((row, at) => row !== stored[index][at]);
    assertEquals(wrong, -1, `agency ${index + 1}: its bet ${wrong + 1} is another one`);
  }
}
