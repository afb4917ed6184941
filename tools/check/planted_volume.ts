/**
 * Volumes with planted faults, for tests.
 *
 * @module
 */

import { FolderDisk } from "../../server/ledger/file/disk.ts";
import { type Round, RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { type TempFolder, tempFolder } from "../testing.ts";

/** What is on the volume. A file that is not named is not there. */
export interface PlantedFiles {
  bets?: string | Uint8Array;
  closed?: string;
  /** The journal's round, or text that is none. */
  journal?: Round | string;
}

/** Makes a volume in a folder that is removed at the end of the block. */
export async function plantVolume({ bets, closed, journal }: PlantedFiles): Promise<TempFolder> {
  const folder = await tempFolder();
  const write = async (name: string, content: string | Uint8Array | undefined) => {
    if (content === undefined) return;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${folder.path}/${name}`, bytes);
  };
  await write("bets.csv", bets);
  await write("agencies_closed.txt", closed);
  if (typeof journal === "string") await write("bets.csv.round", journal);
  else if (journal !== undefined) writeJournal(folder.path, journal);
  return folder;
}

/** Writes a journal as a server does. */
export function writeJournal(volume: string, round: Round): void {
  const journal = new RoundJournal(new FolderDisk(volume).open("bets.csv.round"));
  journal.begin(round);
  journal.close();
}

/** All files of a volume by name. */
export async function filesOf(volume: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(volume)) {
    files[name] = await Deno.readTextFile(`${volume}/${name}`);
  }
  return files;
}
