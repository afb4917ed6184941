/**
 * The shared volume as its operator sees it: what it holds, and its archive. Bets are never deleted.
 *
 * @module
 */

import { CsvParseStream } from "@std/csv";
import { parseClosedAgencies } from "../../server/ledger/file/closed_agencies.ts";
import { BETS_FILE, CLOSED_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { TaskError } from "../flags.ts";
import { unlessNotFound } from "../project.ts";

/**
 * The files of a draw, in the order in which they are put into the archive. The journal must not stay
 * behind without its bets; and as long as the list of closed agencies is there, no server takes bets, so
 * that an archiving that was interrupted can be finished.
 */
const FILES = [JOURNAL_FILE, BETS_FILE, CLOSED_FILE, "draw.json"] as const;

/** Ends the name of a folder in the archive that is not complete yet. */
const UNFINISHED = ".unfinished";

/** The folder of the shared volume on a host. */
export function volumeOf(root: string): string {
  return `${root}/server/shared-volume`;
}

/** The agencies that have closed, by the volume's file. */
export async function closedAgencies(volume: string): Promise<Set<number>> {
  const bytes = await unlessNotFound(Deno.readFile(`${volume}/${CLOSED_FILE}`));
  return parseClosedAgencies(bytes ?? new Uint8Array()).agencies;
}

/** Whether every agency from 1 to `agencies` has closed. */
export async function isDrawFinished(volume: string, agencies: number): Promise<boolean> {
  const closed = await closedAgencies(volume);
  return Array.from({ length: agencies }, (_, index) => index + 1).every((n) => closed.has(n));
}

/** Whether there is nothing of a draw on the volume: no bet, and no agency that has closed. */
export async function isVolumeEmpty(volume: string): Promise<boolean> {
  const sizes = [BETS_FILE, CLOSED_FILE].map((name) => sizeOf(`${volume}/${name}`));
  return (await Promise.all(sizes)).every((size) => !size);
}

/** Writes down how many agencies the draw is of, so that one that is finished is known as such under other settings. */
export async function recordAgencies(volume: string, agencies: number): Promise<void> {
  await Deno.writeTextFile(`${volume}/draw.json`, `${JSON.stringify({ agencies })}\n`);
}

/** How many agencies the draw is of; nothing where that was not written down. */
export async function recordedAgencies(volume: string): Promise<number | undefined> {
  const text = await unlessNotFound(Deno.readTextFile(`${volume}/draw.json`)) ?? "";
  const agencies = Number(/"agencies":\s*(\d+)/.exec(text)?.[1]);
  return agencies > 0 ? agencies : undefined;
}

/**
 * Moves the files of a draw into a new folder of the archive. The servers must not be running.
 *
 * @param now The time that names the folder.
 * @returns The folder, within the volume.
 */
export async function archive(volume: string, now: Date = new Date()): Promise<string> {
  const stamp = now.toISOString().slice(0, 19).replaceAll(":", "-");
  let folder = `archive/${stamp}`;
  for (let n = 2; await exists(`${volume}/${folder}`); n++) folder = `archive/${stamp}-${n}`;
  await Deno.mkdir(`${volume}/${folder}${UNFINISHED}`, { recursive: true });
  await moveInto(volume, folder);
  return folder;
}

/** Finishes an archiving that was interrupted. Returns its folder if there was one. */
export async function finishArchive(volume: string): Promise<string | undefined> {
  const entries = await unlessNotFound(Array.fromAsync(Deno.readDir(`${volume}/archive`))) ?? [];
  const unfinished = entries.find(({ name }) => name.endsWith(UNFINISHED));
  if (unfinished === undefined) return undefined;
  const folder = `archive/${unfinished.name.slice(0, -UNFINISHED.length)}`;
  await moveInto(volume, folder);
  return folder;
}

async function moveInto(volume: string, folder: string): Promise<void> {
  const unfinished = `${volume}/${folder}${UNFINISHED}`;
  for (const name of FILES) {
    // What was moved before the interruption stays; a file that came since then is another draw's.
    if (await exists(`${unfinished}/${name}`)) continue;
    await unlessNotFound(Deno.rename(`${volume}/${name}`, `${unfinished}/${name}`));
  }
  await Deno.rename(unfinished, `${volume}/${folder}`);
}

/** What bets.csv holds of one agency. */
export interface AgencyTally {
  stored: number;
  /** The documents of its winners, in the order of the file. */
  documents: string[];
}

/** Counts the bets of every agency, in one pass over the file. Without a file there are none. */
export async function tallyBets(
  volume: string,
  winningNumber: number,
): Promise<Map<number, AgencyTally>> {
  const tallies = new Map<number, AgencyTally>();
  const file = await unlessNotFound(Deno.open(`${volume}/${BETS_FILE}`));
  if (file === undefined) return tallies;
  const rows = file.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new CsvParseStream());
  for await (const [agency, , , document, , number] of rows) {
    let tally = tallies.get(Number(agency));
    if (tally === undefined) tallies.set(Number(agency), tally = { stored: 0, documents: [] });
    tally.stored++;
    if (Number(number) === winningNumber) tally.documents.push(document);
  }
  return tallies;
}

/**
 * Makes sure that this user may write the files of a draw, and make them.
 *
 * @throws {TaskError} If they belong to somebody else.
 */
export async function assertWritable(volume: string): Promise<void> {
  const trial = `${volume}/.trial-${crypto.randomUUID()}`;
  try {
    for (const name of FILES) {
      (await unlessNotFound(Deno.open(`${volume}/${name}`, { write: true })))?.close();
    }
    // No signal can end the process between these two calls and leave the file.
    Deno.writeTextFileSync(trial, "", { createNew: true });
    Deno.removeSync(trial);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new TaskError(
      `Cannot write to ${volume}: it belongs to another user. Give it to yours: ` +
        `sudo chown -R "$(id -u):$(id -g)" '${volume}'`,
    );
  }
}

/** Gives the volume and all in it to a user. Only root can. */
export async function giveVolume(volume: string, uid: number, gid: number): Promise<void> {
  await Deno.chown(volume, uid, gid);
  for await (const entry of Deno.readDir(volume)) {
    const path = `${volume}/${entry.name}`;
    if (entry.isDirectory) await giveVolume(path, uid, gid);
    else if (entry.isFile) await Deno.chown(path, uid, gid);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await unlessNotFound(Deno.stat(path)))?.size;
}

async function exists(path: string): Promise<boolean> {
  return await sizeOf(path) !== undefined || await sizeOf(`${path}${UNFINISHED}`) !== undefined;
}
