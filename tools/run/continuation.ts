/**
 * Whether the draw on the volume can go on with the bets that are there now: its bets of each agency must be the first
 * ones of that agency's file. A client only counts how many are stored; it would go on with another file as well.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import { parse } from "@std/csv/parse";
import { betsFiles } from "./bets_folder.ts";
import { linesOf } from "./log_lines.ts";
import { unlessNotFound } from "../project.ts";

/** The bets that the draw would go on with. */
export interface NextBets {
  /** The folder of agency-N.csv. */
  folder: string;
  agencies: number;
}

/** Says why the draw on the volume cannot go on; nothing if it can, or if it holds damage, which servers tell of. */
export async function continuationFault(
  volume: string,
  { folder, agencies }: NextBets,
): Promise<string | undefined> {
  const paths = betsFiles(folder, agencies);
  const files = paths.map((path) => rowsOf(path));
  try {
    // What a writer that was killed has left at the end was never acknowledged.
    const rows = rowsOf(`${volume}/bets.csv`, { isTornLeftOut: true });
    for await (const [agencyText, ...stored] of rows) {
      const agency = Number(agencyText);
      if (!(agency >= 1)) return undefined;
      const file = files[agency - 1];
      if (file === undefined) {
        return `it holds bets of agency ${agency}, and there are ${agencies} agencies now`;
      }
      const next = await file.next();
      if (next.done || !isSameBet(stored, next.value)) {
        return `its bets of agency ${agency} are not those with which ${paths[agency - 1]} begins`;
      }
    }
  } finally {
    for (const file of files) await file.return();
  }
}

/** Whether two rows are one bet; its number may have zeros before it in an agency's file. */
function isSameBet(stored: string[], row: string[]): boolean {
  if (row.length !== stored.length) return false;
  const last = stored.length - 1;
  return stored.every((field, index) =>
    index < last ? field === row[index] : Number(field) === Number(row[index])
  );
}

/** The rows of a CSV file, none of which holds a line end, up to the first that is damaged. */
async function* rowsOf(
  path: string,
  { isTornLeftOut = false } = {},
): AsyncGenerator<string[], void> {
  const file = await unlessNotFound(Deno.open(path));
  if (file === undefined) return;
  const isTorn = isTornLeftOut && !await endsWithLineEnd(file);
  const lines = isTorn ? butLast(linesOf(file.readable)) : linesOf(file.readable);
  for await (const line of lines) {
    const fields = fieldsOf(line);
    if (fields === undefined) return;
    yield fields;
  }
}

/** All items but the last. */
async function* butLast<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
  let before: [Item] | undefined;
  for await (const item of items) {
    if (before !== undefined) yield before[0];
    before = [item];
  }
}

async function endsWithLineEnd(file: Deno.FsFile): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const byte = new Uint8Array(1);
  await file.seek(-1, Deno.SeekMode.End);
  await file.read(byte);
  await file.seek(0, Deno.SeekMode.Start);
  return byte[0] === LINE_FEED;
}

/** The fields of a line; nothing if its quotes are damaged. */
function fieldsOf(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(",");
  try {
    return parse(line)[0];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}
