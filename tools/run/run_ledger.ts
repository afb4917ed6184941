/**
 * The ledger of a run as `up` sees it: before the servers start, and after they have stopped.
 *
 * @module
 */

import { TaskError } from "../project.ts";
import { datasetFolder } from "./bets_folder.ts";
import { taskCommand } from "./ledger_choice.ts";
import type { LotterySettings } from "./lottery_settings.ts";
import type { RunSettings } from "./run_settings.ts";
import { type AgencyTally, continuationFault } from "./stored_bets.ts";

/** What servers promise of a bet where `up`, or the server itself, sees to it that data is flushed. */
export const ON_STABLE_STORAGE = "each on stable storage before it was acknowledged";

/** What is stored, each by agency. */
export interface StoredFacts {
  /** The agencies that have closed. */
  closed: ReadonlySet<number>;
  /** The bets and winners. */
  tallies: ReadonlyMap<number, AgencyTally>;
}

/** The ledger of a run. Servers must not be running. */
export interface RunLedger {
  /** What messages call the place of the bets: "bets.csv". */
  readonly place: string;
  /** Returns what servers have promised of each bet: "each on stable storage before it was acknowledged". */
  promise(settings: RunSettings): string;
  /** Returns where a person finds the bets. */
  location(settings: RunSettings): string;
  /**
   * Puts a finished draw away, and checks that an unfinished one can continue. What it has done goes to `say`.
   *
   * @throws {TaskError} If it cannot continue.
   */
  prepare(settings: RunSettings, say: (line: string) => void): Promise<void>;
  /**
   * Writes the record of the draw as soon as it has taken place, while servers run. Where servers write it
   * themselves it does nothing.
   */
  certify(settings: RunSettings): Promise<void>;
  /** Writes the record of the draw, if it has taken place and has none, and reads what is stored. What it says goes to `say`. */
  read(settings: RunSettings, say: (line: string) => void): Promise<StoredFacts>;
}

/**
 * Checks that an unfinished draw can continue with the agencies' files.
 *
 * @param rows What is stored, bet by bet.
 * @throws {TaskError} If it cannot.
 */
export async function assertCanContinue(
  rows: AsyncIterable<string[]>,
  { dataset, clients: agencies, ledger }: LotterySettings,
): Promise<void> {
  const folder = datasetFolder(dataset);
  const fault = await continuationFault(rows, { folder, agencies });
  if (fault === undefined) return;
  throw new TaskError(
    `Cannot continue the unfinished draw: ${fault}. Restore CLIENTS, DATASET and the bets as they were, or ` +
      `put the draw away to start a new one: ${taskCommand("reset", ledger)}`,
  );
}
