/**
 * What the clients of a run report: each writes a JSON file, in a folder that is emptied before the
 * run.
 *
 * @module
 */

import type { ClientResult } from "../../client/result_file.ts";
import { PROJECT_ROOT, unlessNotFound } from "../project.ts";

/** The folder of the results; containers mount it. */
export const RESULTS_FOLDER = `${PROJECT_ROOT}/.cache/results`;

/** Returns the name of a client's file. */
export function resultFile(agency: number): string {
  return `client${agency}.json`;
}

/** Empties the folder, or makes it. */
export async function clearResults(folder: string = RESULTS_FOLDER): Promise<void> {
  await unlessNotFound(Deno.remove(folder, { recursive: true }));
  await Deno.mkdir(folder, { recursive: true });
}

/** Returns the results that are there, by agency. A client that was killed has written none. */
export async function readResults(
  agencies: number,
  folder: string = RESULTS_FOLDER,
): Promise<Map<number, ClientResult>> {
  const results = new Map<number, ClientResult>();
  for (let agency = 1; agency <= agencies; agency++) {
    const text = await unlessNotFound(Deno.readTextFile(`${folder}/${resultFile(agency)}`));
    if (text !== undefined) results.set(agency, JSON.parse(text));
  }
  return results;
}
