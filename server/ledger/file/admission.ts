/**
 * Decides which of the batches that wait for a round may be stored, and words the outcome of the others.
 *
 * @module
 */

import type { BetBatch } from "../../../shared/mod.ts";
import type { LedgerFigures } from "../figures.ts";
import type { AppendResult } from "../ledger.ts";

/** A batch that waits for its round. */
export interface WaitingBatch {
  batch: BetBatch;
  expectedBets: number | undefined;
  /** When the first batch of its round came, in `microseconds()`. */
  arrived: number;
  resolve: (result: AppendResult) => void;
}

/** What is stored when a round begins. */
export interface StoredState {
  closed: ReadonlySet<number>;
  /** The number of an agency's bets. */
  countOf: (agency: number) => number;
  /** Counts refusals. */
  figures: LedgerFigures;
}

/** Returns the batches that may be stored; refuses the others. */
export function admit(
  round: readonly WaitingBatch[],
  { closed, countOf, figures }: StoredState,
): WaitingBatch[] {
  const counts = new Map<number, number>();
  return round.filter(({ batch: { agency, count }, expectedBets, resolve }) => {
    const stored = counts.get(agency) ?? countOf(agency);
    if (closed.has(agency)) {
      resolve(figures.refuse("closed", `agency ${agency} is closed`));
      return false;
    }
    if (expectedBets !== undefined && expectedBets !== stored) {
      const error = `agency ${agency} has ${stored} bets, but this connection expects ` +
        `${expectedBets}: others were stored since; ask for progress and continue from there`;
      resolve(figures.refuse("count", error));
      return false;
    }
    counts.set(agency, stored + count);
    return true;
  });
}

/** Returns the outcome of an append that may or may not have stored its bets. */
export function unknownBecause(error: unknown): AppendResult {
  const reason = `cannot tell whether the bets are stored: ${messageOf(error)}`;
  return { status: "unknown", reason };
}

/** Returns the message of an error, or what else was thrown as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
