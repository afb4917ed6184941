/**
 * The stored bets: counted for the report, and compared with the agencies' files.
 *
 * @module
 */

import { CsvParseStream } from "@std/csv";
import { BETS_FILE } from "../../server/ledger/file/volume_files.ts";
import { unlessNotFound } from "../project.ts";
import { betsFiles } from "./bets_folder.ts";

/** The stored bets of one agency. */
export interface AgencyTally {
  stored: number;
  /** The documents of its winners, in their order. */
  documents: string[];
}

/** Counts the bets of every agency, in one pass over the rows of bets.csv. */
export async function tallyBets(
  rows: AsyncIterable<string[]>,
  winningNumber: number,
): Promise<Map<number, AgencyTally>> {
  const tallies = new Map<number, AgencyTally>();
  for await (const [agency, , , document, , number] of rows) {
    let tally = tallies.get(Number(agency));
    if (tally === undefined) tallies.set(Number(agency), tally = { stored: 0, documents: [] });
    tally.stored++;
    if (Number(number) === winningNumber) tally.documents.push(document);
  }
  return tallies;
}

/**
 * Checks whether a draw can continue with the agencies' files in `folder`: the
 * stored bets of each agency must be the first ones of its file. A client only asks how many are
 * stored, so it would continue with any other file too.
 *
 * @param rows The stored bets, as rows of bets.csv.
 * @returns Why the draw cannot continue; undefined if it can, or if the ledger is damaged, which
 * the servers report.
 */
export async function continuationFault(
  rows: AsyncIterable<string[]>,
  { folder, agencies }: { folder: string; agencies: number },
): Promise<string | undefined> {
  const paths = betsFiles(folder, agencies);
  const files = paths.map((path) => rowsOf(path));
  try {
    for await (const [agencyText, ...stored] of rows) {
      const agency = Number(agencyText);
      if (!(agency >= 1)) return undefined;
      const file = files[agency - 1];
      if (file === undefined) {
        return `it has bets of agency ${agency}, and now there are ${agencies} agencies`;
      }
      const next = await file.next();
      if (next.done || !isSameBet(stored, next.value)) {
        return `its bets of agency ${agency} are not the first ones in ${paths[agency - 1]}`;
      }
    }
  } finally {
    for (const file of files) await file.return();
  }
}

/** Whether two rows are the same bet. Its number may have leading zeros in an agency's file. */
function isSameBet(stored: string[], row: string[]): boolean {
  const isSameNumber = Number(stored.at(-1)) === Number(row.at(-1));
  return isSameNumber && stored.slice(0, -1).join("\n") === row.slice(0, -1).join("\n");
}

/**
 * Yields the rows of bets.csv on a volume, without a torn last one, which was never acknowledged. A missing
 * file has none.
 */
export function storedRows(volume: string): AsyncGenerator<string[], void> {
  return rowsOf(`${volume}/${BETS_FILE}`, new WholeLines());
}

/** Yields the rows of a CSV file up to the first with damaged quotes. A missing file has none. */
async function* rowsOf(
  path: string,
  filter = new TransformStream<string, string>(),
): AsyncGenerator<string[], void> {
  const file = await unlessNotFound(Deno.open(path));
  if (file === undefined) return;
  const text = file.readable.pipeThrough(new TextDecoderStream()).pipeThrough(filter);
  try {
    yield* text.pipeThrough(new CsvParseStream());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}

/** Passes text on up to its last line end. */
class WholeLines extends TransformStream<string, string> {
  constructor() {
    let rest = "";
    super({
      transform(text, controller) {
        const end = text.lastIndexOf("\n") + 1;
        if (end > 0) controller.enqueue(rest + text.slice(0, end));
        rest = end > 0 ? text.slice(end) : rest + text;
      },
    });
  }
}
