/**
 * Makes volumes with planted faults, for tests.
 *
 * @module
 */

import { FolderDisk } from "../../../server/ledger/disk.ts";
import {
  type DurableMark,
  NO_MARK,
  type Round,
  RoundJournal,
} from "../../../server/ledger/file/round_journal.ts";
import {
  BETS_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../../../server/ledger/file/volume_files.ts";
import { type TempFolder, tempFolder } from "../../../testing/temp_folder.ts";

/** The files of a volume. A file that is not given is missing. */
export interface PlantedFiles {
  bets?: string | Uint8Array;
  closed?: string;
  /** A round, or the text of a damaged journal. */
  journal?: Round | string;
  /** What the journal, given or blank, knows to have been durable. */
  mark?: DurableMark;
  /** The content of lottery.json. @default {that of a lottery if there is a mark} */
  identity?: string;
  /** The note of a failed disk. */
  diskFailure?: string;
}

const IDENTITY =
  '{"id":"x","agencies":5,"winningNumber":7574,"createdAt":"2026-11-23T10:00:00Z"}\n';

/** Makes a volume in a temporary folder. */
export async function plantVolume(
  { bets, closed, journal, mark, diskFailure, identity = mark && IDENTITY }: PlantedFiles,
): Promise<TempFolder> {
  const folder = await tempFolder();
  const write = async (name: string, content: string | Uint8Array | undefined) => {
    if (content === undefined) return;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${folder.path}/${name}`, bytes);
  };
  await write(BETS_FILE, bets);
  await write(CLOSED_FILE, closed);
  if (typeof journal === "string") await write(JOURNAL_FILE, journal);
  else if (journal !== undefined || mark !== undefined) writeJournal(folder.path, journal, mark);
  await write(DISK_FAILURE_FILE, diskFailure);
  await write(IDENTITY_FILE, identity);
  return folder;
}

/** Writes a journal as a server does. */
export function writeJournal(volume: string, round?: Round, mark: DurableMark = NO_MARK): void {
  const journal = new RoundJournal(new FolderDisk(volume).open(JOURNAL_FILE));
  if (round === undefined) journal.writeMark(mark);
  else journal.begin(round, mark);
  journal.close();
}

/** Reads all files of a volume, by name. */
export async function filesOf(volume: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(volume)) {
    files[name] = await Deno.readTextFile(`${volume}/${name}`);
  }
  return files;
}
