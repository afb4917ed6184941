/**
 * What the folder of the agencies' bets holds: the files that clients send, those that look like
 * bets although no client would send them, and bets in other places, such as archives.
 *
 * @module
 */

import { shellQuote } from "../project.ts";
import { SAMPLE_RECORD, UNFINISHED_SAMPLE } from "./sample_record.ts";
import { zipNames } from "./zip_names.ts";

/** Files that systems, Git and this project put into a folder that a person considers empty. */
const NOT_BETS: readonly string[] = [
  ...[SAMPLE_RECORD, `${UNFINISHED_SAMPLE}/`],
  ...[".DS_Store", ".directory", ".gitignore", ".gitkeep", "desktop.ini", "lost+found/"],
  "Thumbs.db",
];

/** How deep folders are searched for bets, and how many. */
const DEPTH_MAX = 3;
const FOLDERS_MAX = 200;
/** Maximum number of names in a list. */
const NAMES_MAX = 5;

/** The name of an agency's file: `agency-N.csv`. */
const AGENCY_FILE = /^agency-([1-9]\d*)\.csv$/;
/** Such a file in an archive, and its folder there. */
const ARCHIVED_FILE = /^(.*\/)?agency-[1-9]\d*\.csv$/;

/** Names of archives and compressed files. */
const PACKED = /\.(7z|bz2|gz|rar|tar|tgz|xz|zip|zst)$/i;

/** The names in a folder, by what a run with a number of agencies does with them. */
export interface DatasetSurvey {
  /** Those of agency-1.csv to agency-N.csv that are there. */
  present: string[];
  missing: string[];
  /** Names that look like bets, but that no client would send. */
  unsent: string[];
  /** Other names. */
  others: string[];
}

/**
 * Sorts the names in a folder. Leaves out those that a person would not notice.
 *
 * @param names Those of folders end with a slash.
 */
export function surveyNames(names: readonly string[], agencies: number): DatasetSurvey {
  const expected = Array.from({ length: agencies }, (_, index) => `agency-${index + 1}.csv`);
  const others = names.filter((name) => !expected.includes(name) && !NOT_BETS.includes(name));
  others.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return {
    present: expected.filter((name) => names.includes(name)),
    missing: expected.filter((name) => !names.includes(name)),
    unsent: others.filter(looksLikeBets),
    others: others.filter((name) => !looksLikeBets(name)),
  };
}

/**
 * Hidden files are not bets: macOS keeps a `._agency-1.csv` beside agency-1.csv on foreign disks.
 */
function looksLikeBets(name: string): boolean {
  return !/^\.|\/$/.test(name) && (/^\s*agency/i.test(name) || /\.csv/i.test(name));
}

/** Says why no client sends a file, and what to do about it. */
export function unsentReason(
  name: string,
  { agencies, missing }: { agencies: number; missing: readonly string[] },
): string {
  const number = AGENCY_FILE.exec(name)?.[1];
  const meant = `agency-${Number(/\d+/.exec(name)?.[0])}.csv`;
  const remedy = number !== undefined
    ? `set CLIENTS in .env and AGENCIES_AMOUNT in server/config.ini to ${number}, or move it away`
    : PACKED.test(name)
    ? "unpack it, or move it away"
    : !missing.includes(meant)
    ? "move it away"
    : /\.csv/i.test(name)
    ? `rename it to ${meant}`
    : `save it as ${meant}`;
  const read = agencies === 1 ? "agency-1.csv" : `agency-1.csv to agency-${agencies}.csv`;
  return `no client sends ${name}, because clients read ${read}: ${remedy}`;
}

/**
 * Finds bets in archives and in folders below, and says how a person gets at them.
 *
 * @param dataset The folder, as the setting names it.
 */
export async function findBetsElsewhere(folder: string, dataset: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { path, names } of foldersBelow(folder)) {
    const count = names.filter((name) => AGENCY_FILE.test(name)).length;
    if (count > 0 && path !== "") {
      const below = `${dataset.replace(/\/+$/, "")}/${path.slice(0, -1)}`;
      found.push(`${path} holds ${countFiles(count)}: write DATASET=${below}`);
    }
    for (const name of names.filter((name) => /\.zip$/i.test(name))) {
      const unpacking = await archivedBets({ archive: `${folder}/${path}${name}`, folder });
      if (unpacking !== undefined) found.push(`${path}${name} ${unpacking}`);
    }
    if (found.length >= NAMES_MAX) break;
  }
  return found;
}

/**
 * Says which bets a ZIP archive holds, and how to unpack them into `folder`; nothing if it has
 * none.
 */
export async function archivedBets(
  { archive, folder }: { archive: string; folder: string },
): Promise<string | undefined> {
  const bets = (await zipNames(archive)).filter((name) => ARCHIVED_FILE.test(name));
  if (bets.length === 0) return undefined;
  const [, inside = ""] = ARCHIVED_FILE.exec(bets[0])!;
  // Brackets, stars and question marks are patterns to unzip.
  const pattern = `${inside.replaceAll(/[[\]*?\\]/g, "\\$&")}agency-*.csv`;
  return `holds ${countFiles(bets.length)}: unpack it with ` +
    `unzip -j ${shellQuote(archive)} ${shellQuote(pattern)} -d ${shellQuote(folder)}`;
}

/**
 * Yields a folder and those below it, the nearest first, with the names in each. Leaves out hidden
 * ones and what cannot be read.
 */
async function* foldersBelow(folder: string): AsyncGenerator<{ path: string; names: string[] }> {
  const paths = [""];
  for (let next = 0; next < Math.min(paths.length, FOLDERS_MAX); next++) {
    const path = paths[next];
    const entries = await Array.fromAsync(Deno.readDir(`${folder}/${path}`)).catch(() => []);
    yield { path, names: entries.map(({ name }) => name).sort() };
    if (path.split("/").length > DEPTH_MAX) continue;
    const below = entries.filter(({ name, isDirectory }) => isDirectory && !name.startsWith("."));
    paths.push(...below.map(({ name }) => `${path}${name}/`));
  }
}

function countFiles(count: number): string {
  return count === 1 ? "one file agency-N.csv" : `${count} files agency-N.csv`;
}

/** Lists names: the first ones, and how many more there are. */
export function listNames(names: readonly string[]): string {
  if (names.length <= NAMES_MAX) return new Intl.ListFormat("en-GB").format(names);
  return `${names.slice(0, NAMES_MAX).join(", ")} and ${names.length - NAMES_MAX} more`;
}
