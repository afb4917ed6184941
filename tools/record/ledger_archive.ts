/**
 * The draw on the shared volume as its operator sees it, and the archive of earlier draws. Nothing
 * here deletes bets. Servers must not be running while files move.
 *
 * @module
 */

import { FolderDisk } from "../../server/ledger/disk.ts";
import { logNames } from "../../server/ledger/file/log_files.ts";
import { assertNoDiskFailure } from "../../server/ledger/file/disk_failure.ts";
import { FatalLedgerError, SyncFailedError } from "../../server/ledger/fatal_error.ts";
import { parseClosedAgencies } from "../../server/ledger/file/closed_agencies.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  CLOSED_FILE,
  JOURNAL_FILE,
  TRIAL_PREFIX,
} from "../../server/ledger/file/volume_files.ts";
import { recoverBeforeMove } from "../check/repair.ts";
import { shellQuote, TaskError, unlessNotFound } from "../project.ts";
import {
  certificateFolder,
  DRAWS_FOLDER,
  hasCertificate,
  RESULT_JSON,
  RESULT_TEXT,
} from "../../server/certificate/certificate_folder.ts";
import { copyAudit } from "./record_copy.ts";
import { DRAW_FILES, readIdentity } from "./volume_identity.ts";

/**
 * The files of a draw, in the order in which they are archived, after its redo logs. Neither the journal nor the
 * checkpoint must outlive its bets. While the list of closed agencies is there, no server accepts bets, so that interrupted
 * archiving can be finished.
 */
const FILES = [JOURNAL_FILE, CHECKPOINT_FILE, BETS_FILE, CLOSED_FILE, ...DRAW_FILES] as const;

/** How long to wait for the lock of bets.csv, which nobody should hold. */
const LOCK_MS = 10_000;

/** Suffix of a folder in the archive that is not complete yet. */
const UNFINISHED = ".unfinished";

/** Returns the agencies that have closed. */
export async function closedAgencies(volume: string): Promise<ReadonlySet<number>> {
  const bytes = await unlessNotFound(Deno.readFile(`${volume}/${CLOSED_FILE}`));
  return parseClosedAgencies(bytes ?? new Uint8Array()).agencies;
}

/** Whether every agency from 1 to `agencies` has closed. */
export async function isDrawFinished(volume: string, agencies: number): Promise<boolean> {
  const closed = await closedAgencies(volume);
  return Array.from({ length: agencies }, (_, index) => index + 1).every((n) => closed.has(n));
}

/** Whether the volume has neither a bet nor a closed agency. */
export async function isVolumeEmpty(volume: string): Promise<boolean> {
  const paths = [BETS_FILE, CLOSED_FILE].map((name) => `${volume}/${name}`);
  const infos = await Promise.all(paths.map((path) => unlessNotFound(Deno.stat(path))));
  return infos.every((info) => !info?.size);
}

/**
 * Recovers the volume from its redo logs, if no server has done so since the last ones ended: its files are about to
 * be moved, or read by programs that know no redo logs. What cannot be recovered is left as it is: it moves as a
 * whole.
 *
 * @throws {TaskError} If a server is running.
 */
export async function recoverVolumeFiles(volume: string): Promise<void> {
  try {
    await recoverBeforeMove(volume, LOCK_MS);
  } catch (error) {
    if (error instanceof SyncFailedError || !(error instanceof FatalLedgerError)) throw error;
  }
}

/**
 * Moves the files of the draw into a new folder of the archive, after recovering them.
 *
 * @param now The time that names the folder.
 * @returns The folder, relative to the volume.
 */
export async function archiveDraw(volume: string, now: Date = new Date()): Promise<string> {
  await recoverVolumeFiles(volume);
  const taken = (await archivedNames(volume)).map((name) => name.replace(UNFINISHED, ""));
  const stamp = now.toISOString().slice(0, 19).replaceAll(":", "-");
  let name = stamp;
  for (let n = 2; taken.includes(name); n++) name = `${stamp}-${n}`;
  await Deno.mkdir(`${volume}/archive/${name}${UNFINISHED}`, { recursive: true, mode: 0o750 });
  return await moveInto(volume, `archive/${name}`);
}

/** Finishes an interrupted {@linkcode archiveDraw}. Returns its folder if there was one. */
export async function finishArchiving(volume: string): Promise<string | undefined> {
  const name = (await archivedNames(volume)).find((name) => name.endsWith(UNFINISHED));
  if (name !== undefined) return await moveInto(volume, `archive/${name.replace(UNFINISHED, "")}`);
}

async function archivedNames(volume: string): Promise<string[]> {
  const entries = await unlessNotFound(Array.fromAsync(Deno.readDir(`${volume}/archive`))) ?? [];
  return entries.map(({ name }) => name);
}

async function moveInto(volume: string, folder: string): Promise<string> {
  const unfinished = `${volume}/${folder}${UNFINISHED}`;
  const logs = logNames(new FolderDisk(volume, undefined, { isReadOnly: true }));
  for (const name of [...logs, ...FILES]) {
    // It was moved before an interruption; a file of that name on the volume is newer.
    if (await unlessNotFound(Deno.stat(`${unfinished}/${name}`)) !== undefined) continue;
    await unlessNotFound(Deno.rename(`${volume}/${name}`, `${unfinished}/${name}`));
  }
  await addCertificate(volume, unfinished);
  // Chains go on over draws. Links keep what was recorded of this one with it.
  await copyAudit(volume, unfinished, linkOrCopy);
  await Deno.rename(unfinished, `${volume}/${folder}`);
  return folder;
}

/** Gives an archived draw its certificate, which also stays where everybody looks for it. */
async function addCertificate(volume: string, folder: string): Promise<void> {
  const id = (await readIdentity(folder))?.id;
  if (id === undefined || !await hasCertificate(volume, id)) return;
  const archived = certificateFolder(folder, id);
  await Deno.mkdir(archived, { recursive: true, mode: 0o750 });
  for (const name of [RESULT_TEXT, RESULT_JSON]) {
    await linkOrCopy(`${certificateFolder(volume, id)}/${name}`, `${archived}/${name}`);
  }
}

/** Links a file of which no byte ever changes; copies it where files cannot be linked. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    await Deno.copyFile(from, to);
  }
}

/**
 * Checks that this user may create the files of a draw, and write to those that exist.
 *
 * @throws {TaskError} If the volume belongs to somebody else.
 */
export async function assertWritable(volume: string): Promise<void> {
  const draws = `${volume}/${DRAWS_FOLDER}`;
  const hasDraws = await unlessNotFound(Deno.stat(draws)) !== undefined;
  try {
    for (const name of FILES) {
      (await unlessNotFound(Deno.open(`${volume}/${name}`, { write: true })))?.close();
    }
    for (const folder of hasDraws ? [volume, draws] : [volume]) {
      const trial = `${folder}/${TRIAL_PREFIX}${crypto.randomUUID()}`;
      // No signal can end the process between these two calls and leave the file.
      Deno.writeTextFileSync(trial, "", { createNew: true });
      Deno.removeSync(trial);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new TaskError(
      `Cannot write to ${volume}: it belongs to another user. Take ownership of it: ` +
        `sudo chown -R "$(id -u):$(id -g)" ${shellQuote(volume)}`,
    );
  }
}

/**
 * Checks that no server has found the disk failing. Nothing should be moved on such a disk.
 *
 * @throws {TaskError} If one has, with what to do.
 */
export function assertDiskWorks(volume: string): void {
  try {
    assertNoDiskFailure(new FolderDisk(volume));
  } catch (error) {
    if (!(error instanceof FatalLedgerError)) throw error;
    throw new TaskError(error.message);
  }
}
