/**
 * The ledger contract: what the lottery must never forget, as sessions and the draw see it.
 *
 * Nothing here says where bets are stored. An engine may keep them in files, in a replicated log or in a
 * database; it passes the suite in conformance.ts, and only main.ts knows which one is used. Where an
 * outcome cannot be known, the answer is "unknown": over a network that is a result, not an exception.
 *
 * @module
 */

import type { BetBatch, BetNotation, BetsDigest } from "../../shared/mod.ts";
import type { LedgerFigures } from "./figures.ts";

/** The outcome of an append. */
export type AppendResult =
  /** All bets of the batch are durable, each once. */
  | { status: "stored" }
  /** None of them is stored, and none ever will be. */
  | { status: "refused"; reason: string }
  /** Either may be true. The session ends without an answer, and the agency asks for its progress. */
  | { status: "unknown"; reason: string };

/** The outcome of a close. */
export type CloseResult =
  /** The agency is closed, durably. `repeated`: it had been closed before. */
  | { status: "closed"; repeated: boolean }
  /** The agency may be closed or open. Closing it again is safe. */
  | { status: "unknown"; reason: string };

/** The outcome of a question about progress. */
export type ProgressResult =
  /** The number of durable bets of the agency. */
  | { status: "known"; bets: number }
  | { status: "unknown"; reason: string };

/** The outcome of a question about which bets are stored. */
export type DigestResult =
  /** The durable bets of the agency. */
  | ({ status: "known" } & BetsDigest)
  | { status: "unknown"; reason: string };

/** The draw, after every agency has closed. It never changes. */
export interface Draw {
  /**
   * The documents of an agency's winners, in the order in which their bets were stored.
   *
   * @returns Pieces of UTF-8 of any size, each with one document or more, separated by `;`, a byte that no
   * document holds.
   */
  winners(agency: number): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** What makes a lottery the same one, on every server and after every restart. */
export interface LotteryIdentity {
  /** A UUID. */
  id: string;
  /** AGENCIES_AMOUNT. */
  agencies: number;
  /** LOTTERY_WINNER_NUMBER. */
  winningNumber: number;
  /** When the first server started, in ISO 8601 with zone. */
  createdAt: string;
}

/** What a server has last seen of an agency. */
export interface AgencySeen {
  /** Stored bets, those of other servers included. They may be a moment old, and not durable yet. */
  bets: number;
  isClosed: boolean;
}

/** Whether a ledger can store bets. */
export type Readiness = { isReady: true } | { isReady: false; reason: string };

/** Bets and closed agencies, shared by all servers of a lottery. */
export interface Ledger extends AsyncDisposable {
  /** How the batches given to {@linkcode append} write their bets. */
  readonly notation: BetNotation;

  /** The lottery that it belongs to. */
  readonly identity: LotteryIdentity;

  /** What it has done since it was opened. */
  readonly figures: LedgerFigures;

  /**
   * Resolves with the reason when the ledger can no longer keep its promises: the server must stop. Later
   * calls refuse or answer "unknown".
   */
  readonly failed: Promise<Error>;

  /**
   * Stores all bets of a batch, or none. Batches of an agency are stored in the order of the calls.
   *
   * @param expectedBets How many bets of the agency the sender believes to be stored. If there are more or
   * fewer, the batch is refused: it would be stored twice, or in the wrong place. The comparison is atomic
   * with the append and with closes.
   */
  append(batch: BetBatch, expectedBets?: number): Promise<AppendResult>;

  /** Closes an agency. After that no server stores a bet of it. Closing it again changes nothing. */
  close(agency: number): Promise<CloseResult>;

  /**
   * Counts the durable bets of an agency. The number never decreases, whichever server is asked, and
   * includes every bet that any server has acknowledged before the call.
   */
  progress(agency: number): Promise<ProgressResult>;

  /**
   * Digests the durable bets of an agency, under the same guarantees as {@linkcode progress}. It reads the
   * bets, and so may take long; it does not hold up appends.
   */
  digest(agency: number): Promise<DigestResult>;

  /**
   * The draw.
   *
   * @returns Nothing before every agency has closed.
   * @throws If the winners cannot be read, or are not durable yet. Asking again later is safe.
   */
  draw(): Promise<Draw | undefined>;

  /**
   * Calls `listener` whenever the draw may have become possible, also by a close on another server. It may be called
   * too often, but always often enough for the draw to be found.
   */
  onChange(listener: () => void): void;

  /**
   * What was last seen of every agency, in the order of their numbers from 1. It asks nobody: it neither locks,
   * syncs nor publishes, and takes no longer than reading memory.
   */
  seen(): AgencySeen[];

  /**
   * Whether the ledger could store bets when it last tried. Like {@linkcode seen} it asks nobody; an engine that
   * has to try does so by itself, from time to time.
   */
  readiness(): Readiness;

  /** Finishes the work in hand and releases every resource. */
  [Symbol.asyncDispose](): Promise<void>;
}
