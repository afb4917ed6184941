/**
 * Makes volumes with planted faults, for tests.
 *
 * @module
 */

import { FolderDisk } from "../../server/ledger/file/disk.ts";
import {
  type DurableMark,
  type Round,
  RoundJournal,
} from "../../server/ledger/file/round_journal.ts";
import {
  BETS_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  JOURNAL_FILE,
} from "../../server/ledger/file/volume_files.ts";
import { type TempFolder, tempFolder } from "../testing.ts";

/** The files of a volume. A file that is not given is missing. */
export interface PlantedFiles {
  bets?: string | Uint8Array;
  closed?: string;
  /** A round, or the text of a damaged journal. */
  journal?: Round | string;
  /** Sizes that the journal, given or blank, knows to have been durable. */
  mark?: DurableMark;
  /** The note of a failed disk. */
  diskFailure?: string;
}

/** Makes a volume in a temporary folder. */
export async function plantVolume(
  { bets, closed, journal, mark, diskFailure }: PlantedFiles,
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
  else if (journal !== undefined) writeJournal(folder.path, journal);
  if (mark !== undefined) writeMark(folder.path, mark);
  await write(DISK_FAILURE_FILE, diskFailure);
  return folder;
}

/** Writes a journal as a server does. */
export function writeJournal(volume: string, round: Round): void {
  const journal = new RoundJournal(new FolderDisk(volume).open(JOURNAL_FILE));
  journal.begin(round);
  journal.close();
}

function writeMark(volume: string, mark: DurableMark): void {
  const journal = new RoundJournal(new FolderDisk(volume).open(JOURNAL_FILE));
  journal.writeMark(mark);
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
