/**
 * All invalid rows of the agencies' files, judged as the clients judge them.
 *
 * @module
 */

import { BetFile } from "../../client/bet_file.ts";
import { BetFileError, BetLines } from "../../client/bet_lines.ts";
import { dayNumber } from "../../shared/mod.ts";
import { TaskError } from "../project.ts";

/** Maximum number of faults in the message. */
const FAULTS_MAX = 20;

/**
 * Checks every row of the files.
 *
 * @throws {TaskError} Naming the first twenty faults with file and line, and the number of all.
 */
export async function assertValidBets(paths: readonly string[]): Promise<void> {
  const shown: string[] = [];
  const faultsIn = new Map<string, number>();
  for (const path of paths) {
    await findFaults(path, (fault) => {
      faultsIn.set(path, (faultsIn.get(path) ?? 0) + 1);
      if (shown.length < FAULTS_MAX) shown.push(`  - ${fault}`);
    });
  }
  const all = Array.from(faultsIn.values()).reduce((sum, count) => sum + count, 0);
  if (all === 0) return;
  if (all > FAULTS_MAX) {
    const counts = Array.from(faultsIn, ([path, count]) => `${count} in ${path}`);
    shown.push(`  - and ${all - FAULTS_MAX} more; all of them: ${counts.join(", ")}`);
  }
  throw new TaskError(
    `Cannot start: correct ${
      all === 1 ? "this fault" : `these ${all} faults`
    } in the agencies' files. ` +
      `Nothing has been sent:\n${shown.join("\n")}`,
  );
}

/**
 * Reads a file as a client does, which stops at its first fault; after one, reads on to find the
 * others.
 */
async function findFaults(path: string, onFault: (fault: string) => void): Promise<void> {
  let found = 0;
  try {
    (await BetFile.open(path))[Symbol.dispose]();
  } catch (first) {
    if (!(first instanceof BetFileError)) throw first;
    const count = ({ message }: BetFileError) => {
      found++;
      onFault(message);
    };
    await readAll(path, count).catch(() => {});
    // The file could not be read at all.
    if (found === 0) onFault(first.message);
  }
}

async function readAll(path: string, onFault: (fault: BetFileError) => void): Promise<void> {
  const { isFile } = await Deno.stat(path);
  // A named pipe would never end.
  if (!isFile) return;
  using file = await Deno.open(path);
  const lines = new BetLines(file, { name: path, today: dayNumber(Date.now()), onFault });
  while (await lines.read() !== undefined);
}
