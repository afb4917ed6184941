/**
 * Decides which of the batches that wait for a round may be stored, and words the outcome of the others.
 *
 * @module
 */

import type { BetBatch } from "../../../shared/mod.ts";
import type { AppendedResult, RoundResult } from "./round_result.ts";

/** A batch that waits for its round. */
export interface WaitingBatch {
  batch: BetBatch;
  expectedBets: number | undefined;
  /** When the first batch of its round came, in `microseconds()`. */
  arrived: number;
  /** Whether another server has handed it over, which counts it. */
  isHanded: boolean;
  /** Whether its sender waits for the outcome: if not, it may have had the bets stored elsewhere. */
  isWanted: () => boolean;
  resolve: (result: RoundResult) => void;
}

/** What is stored when a round begins. */
export interface StoredState {
  closed: ReadonlySet<number>;
  /** The number of an agency's bets. */
  countOf: (agency: number) => number;
}

/** Returns the batches that may be stored; refuses the others. */
export function admit(
  round: readonly WaitingBatch[],
  { closed, countOf }: StoredState,
): WaitingBatch[] {
  const counts = new Map<number, number>();
  return round.filter(({ batch: { agency, count }, expectedBets, isWanted, resolve }) => {
    if (!isWanted()) {
      resolve({ status: "refused", why: "other", reason: "its sender may have given up" });
      return false;
    }
    const stored = counts.get(agency) ?? countOf(agency);
    if (closed.has(agency)) {
      resolve({ status: "refused", why: "closed", reason: `agency ${agency} is closed` });
      return false;
    }
    if (expectedBets !== undefined && expectedBets !== stored) {
      const reason = `agency ${agency} has ${stored} bets, but this connection expects ` +
        `${expectedBets}: others were stored since; ask for progress and continue from there`;
      resolve({ status: "refused", why: "count", reason });
      return false;
    }
    counts.set(agency, stored + count);
    return true;
  });
}

/** Returns the outcome of an append that may or may not have stored its bets. */
export function unknownBecause(error: unknown): AppendedResult {
  const reason = `cannot tell whether the bets are stored: ${messageOf(error)}`;
  return { status: "unknown", reason };
}

/** Returns the message of an error, or what else was thrown as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
