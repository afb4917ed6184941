/**
 * The ledger: what the lottery must never forget. This is all that sessions and draw know of it; where
 * bets live, and how they are made to last, is the business of its implementation.
 *
 * @module
 */

import type { BetBatch } from "../../shared/packets.ts";

/** Why a batch was refused: none of its bets is stored. */
export interface Refusal {
  refused: string;
}

/** All bets of the batch are on stable storage, or none is in the ledger. */
export type AppendResult = "stored" | Refusal;

/** What an agency's close did. */
export interface CloseResult {
  /** Whether it had been closed before. */
  repeated: boolean;
  /** Whether every agency is closed now. */
  complete: boolean;
}

/** Bets and closed agencies, shared by all servers. */
export interface Ledger {
  /**
   * Stores all bets of a batch, or none. The batch is read before this returns its promise.
   *
   * @param expectedBets How many bets of the agency the sender believes to be stored. If it is another
   * number, the batch is refused: it would be stored twice, or in the wrong place.
   * @throws {LedgerError} If it cannot be known whether the bets will last.
   */
  append(batch: BetBatch, expectedBets?: number): Promise<AppendResult>;

  /**
   * Closes an agency: no server stores a bet of it any more.
   *
   * @throws {LedgerError} If the close could not be made to last.
   */
  close(agency: number): Promise<CloseResult>;

  /** Whether every agency is closed. Costs next to nothing while nothing has changed. */
  isComplete(): boolean;

  /** How many bets of an agency are stored for good. */
  stored(agency: number): Promise<number>;

  /** Learns of most of what other servers have stored, so that little is left to do when it is wanted. */
  follow(): Promise<void>;

  /** Makes sure that all that is in the ledger is known here, and lasts. */
  settle(): Promise<void>;

  /** The documents of an agency's winners, joined by `;`, in the order of the ledger, as last settled. */
  winners(agency: number): Uint8Array<ArrayBuffer>;

  /** Ends the work in hand and lets go of everything. */
  dispose(): Promise<void>;
}

/** The ledger cannot keep its promises any more. The server must stop. */
export class LedgerError extends Error {
  override name = "LedgerError";
}
