/**
 * Makes volumes with planted faults, for tests.
 *
 * @module
 */

import { FixedLine } from "../../../server/ledger/file/fixed_line.ts";
import {
  BETS_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../../../server/ledger/file/volume_files.ts";
import { type TempFolder, tempFolder } from "../../../testing/temp_folder.ts";

/** A round as servers without redo logs announced it. */
export interface PlantedRound {
  from: number;
  to: number;
  cuts: number;
  recalls: number;
}

/** What such a server knew to be durable. */
export interface PlantedMark {
  bets: number;
  closed: number;
  closedSum: number;
}

const NO_MARK: PlantedMark = { bets: 0, closed: 0, closedSum: 0 };
const ROUND_LINE = new FixedLine<keyof PlantedRound>({ from: 16, to: 16, cuts: 12, recalls: 12 });
const MARK_LINE = new FixedLine<keyof PlantedMark>({ bets: 16, closed: 16, closedSum: 10 });

/** The files of a volume of an earlier version. A file that is not given is missing. */
export interface PlantedFiles {
  bets?: string | Uint8Array;
  closed?: string;
  /** A round, or the text of a damaged journal. */
  journal?: PlantedRound | string;
  /** What the journal, given or blank, knows to have been durable. */
  mark?: PlantedMark;
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

/** Writes a journal as a server without redo logs did. */
function writeJournal(volume: string, round?: PlantedRound, mark = NO_MARK): void {
  const bytes = new Uint8Array(ROUND_LINE.bytes + MARK_LINE.bytes);
  if (round !== undefined) ROUND_LINE.format(round, bytes);
  MARK_LINE.format(mark, bytes.subarray(ROUND_LINE.bytes));
  Deno.writeFileSync(`${volume}/${JOURNAL_FILE}`, bytes);
}

/** Reads all files of a volume, by name. */
export async function filesOf(volume: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(volume)) {
    files[name] = await Deno.readTextFile(`${volume}/${name}`);
  }
  return files;
}
