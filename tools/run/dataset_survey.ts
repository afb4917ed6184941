/**
 * What the folder of the agencies' bets holds: the files that clients send, those that look like bets
 * although no client would send them, and bets in other places, such as archives.
 *
 * @module
 */

import { zipNames } from "./zip_names.ts";

/** The record of the sample bets in a folder: see sample_record.ts. */
export const SAMPLE_RECORD = "sample-bets.json";
/** Holds sample bets until all of them are complete. */
export const UNFINISHED_SAMPLE = ".unfinished-sample-bets";

/** What systems, Git and this project put into a folder that a person calls empty. */
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
/** The start of the names in an archive that may be such files, and their folder. */
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
 * Sorts the names in a folder. Leaves out those in a folder that a person calls empty.
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

/** Hidden files are not bets: macOS keeps a `._agency-1.csv` beside agency-1.csv on foreign disks. */
function looksLikeBets(name: string): boolean {
  return !/^\.|\/$/.test(name) && (/^\s*agency/i.test(name) || /\.csv/i.test(name));
}

/** Says why no client would send a file, and what to do about it. */
export function unsentReason(name: string, { agencies, missing }: {
  agencies: number;
  /** The names of the files that are missing. */
  missing: readonly string[];
}): string {
  const number = AGENCY_FILE.exec(name)?.[1];
  if (number !== undefined) {
    return `no client would send ${name}: there are ${agencies} agencies. For ${number}, set CLIENTS in ` +
      ".env and AGENCIES_AMOUNT in server/config.ini; else move the file to another folder";
  }
  const meant = `agency-${Number(/\d+/.exec(name)?.[0])}.csv`;
  const isMeant = missing.includes(meant);
  const remedy = PACKED.test(name)
    ? "unpack it, or move it to another folder"
    : !isMeant
    ? "move it to another folder"
    : /\.csv/i.test(name)
    ? `rename it to ${meant}`
    : `save it as ${meant}`;
  return `no client would send ${name}, which is not named agency-N.csv, N from 1 on: ${remedy}`;
}

/** Where else a folder holds bets, and how a person gets at them. One sentence each. */
export async function findBetsElsewhere(
  folder: string,
  { dataset, names }: {
    /** The folder, as the setting names it. */
    dataset: string;
    names: readonly string[];
  },
): Promise<string[]> {
  const archives = names.filter((name) => /\.zip$/i.test(name)).slice(0, NAMES_MAX);
  const found: string[] = [];
  for (const name of archives) {
    const paths = { archive: `${folder}/${name}`, folder };
    const reason = await archivedBets(paths);
    if (reason !== undefined) found.push(`${name} ${reason}`);
  }
  for (const { path, count } of await foldersWithBets(folder)) {
    const files = count === 1 ? "a file" : `${count} files`;
    found.push(`${path} below it holds ${files} agency-N.csv: write DATASET=${dataset}/${path}`);
  }
  return found;
}

/** Says which bets a ZIP archive holds, and how to unpack them into `folder`; nothing if it has none. */
export async function archivedBets(
  { archive, folder }: { archive: string; folder: string },
): Promise<string | undefined> {
  const bets = (await zipNames(archive)).filter((name) => ARCHIVED_FILE.test(name));
  if (bets.length === 0) return undefined;
  const [, inside = ""] = ARCHIVED_FILE.exec(bets[0])!;
  // Brackets, stars and question marks are patterns to unzip.
  const pattern = `${inside.replaceAll(/[[\]*?\\]/g, "\\$&")}agency-*.csv`;
  return `holds ${listNames(bets)}: unpack it: ` +
    `unzip -j ${shellQuoted(archive)} ${shellQuoted(pattern)} -d ${shellQuoted(folder)}`;
}

/** Finds the folders below `folder` with files agency-N.csv, the nearest first. */
async function foldersWithBets(folder: string): Promise<{ path: string; count: number }[]> {
  const found: { path: string; count: number }[] = [];
  let level = [""];
  for (let depth = 0; depth <= DEPTH_MAX; depth++) {
    const next: string[] = [];
    for (const path of level.slice(0, FOLDERS_MAX)) {
      const entries = await entriesOf(`${folder}/${path}`);
      const count = entries.filter(({ name }) => AGENCY_FILE.test(name)).length;
      if (count > 0 && path !== "") found.push({ path: path.slice(0, -1), count });
      const below = entries.filter(({ name, isDirectory }) => isDirectory && !name.startsWith("."));
      next.push(...below.map(({ name }) => `${path}${name}/`));
    }
    level = next;
  }
  return found.slice(0, NAMES_MAX);
}

/** Returns the entries of a folder; none if it cannot be read. */
async function entriesOf(path: string): Promise<Deno.DirEntry[]> {
  return await Array.fromAsync(Deno.readDir(path)).catch(() => []);
}

/** Lists names: the first ones, and how many more there are. */
export function listNames(names: readonly string[]): string {
  if (names.length <= NAMES_MAX) return new Intl.ListFormat("en-GB").format(names);
  return `${names.slice(0, NAMES_MAX).join(", ")} and ${names.length - NAMES_MAX} more`;
}

/** Quotes a text for a POSIX shell. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
