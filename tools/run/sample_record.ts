/**
 * Which files of a folder are sample bets: a record beside them holds the hash of each. A file that
 * a person has changed or replaced is not a sample.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { unlessNotFound } from "../project.ts";

/** The record of the sample bets in a folder. */
export const SAMPLE_RECORD = "sample-bets.json";
/** The folder inside it that holds sample bets until all of them are complete. */
export const UNFINISHED_SAMPLE = ".unfinished-sample-bets";

/** The SHA-256 of each file, in hexadecimal digits, by its name. */
type Hashes = Record<string, string>;

/** Records that `folder` will have these files of sample bets, which now are in `source`. */
export async function recordSamples(
  folder: string,
  { names, source }: { names: readonly string[]; source: string },
): Promise<void> {
  const hashes: Hashes = {};
  for (const name of names) hashes[name] = await hashOf(`${source}/${name}`);
  const text = JSON.stringify({ note: "These files are sample bets.", sha256: hashes }, null, 2);
  await Deno.writeTextFile(`${folder}/${SAMPLE_RECORD}`, `${text}\n`);
}

/** Returns the names of the files that are sample bets, unchanged. */
export async function recordedSamples(folder: string): Promise<string[]> {
  const samples: string[] = [];
  for (const [name, recorded] of Object.entries(await readHashes(folder))) {
    if (!/^agency-\d+\.csv$/.test(name)) continue;
    if (await unlessNotFound(hashOf(`${folder}/${name}`)) === recorded) samples.push(name);
  }
  return samples;
}

async function readHashes(folder: string): Promise<Hashes> {
  const text = await unlessNotFound(Deno.readTextFile(`${folder}/${SAMPLE_RECORD}`));
  try {
    return JSON.parse(text ?? "{}").sha256 ?? {};
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}

async function hashOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const bytes = new Uint8Array(256 * 1024);
  for (;;) {
    const count = await file.read(bytes);
    if (count === null) return hash.digest("hex");
    hash.update(bytes.subarray(0, count));
  }
}
