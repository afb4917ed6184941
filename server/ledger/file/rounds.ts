/**
 * The rounds in which batches are stored.
 *
 * Batches that wait at the same time share one round: one turn of the lock, one write to bets.csv, one record in
 * the redo log of this server, one sync of that log. A round takes what is waiting and never waits for more. Its
 * batches are answered when it is durable. A round that was appended whole is never taken back: it is stored, or
 * its outcome is unknown.
 *
 * @module
 */

import { ByteBuffer } from "../../../shared/bytes.ts";
import type { BetBatch } from "../../../shared/mod.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { type LedgerFigures, microseconds } from "../figures.ts";
import { admit, messageOf, unknownBecause, type WaitingBatch } from "./admission.ts";
import type { BetsFile } from "./bets_file.ts";
import type { ClosedAgencies } from "./closed_agencies.ts";
import { burstEnd } from "../courtesy.ts";
import type { AppendResult } from "../ledger.ts";
import type { AppendedResult, RoundResult } from "./round_result.ts";
import type { SerialQueue } from "./serial_queue.ts";

/** Options of {@linkcode Rounds}. */
export interface RoundsOptions {
  bets: BetsFile;
  closed: ClosedAgencies;
  figures: LedgerFigures;
  /** The rounds run in turn with whatever else uses the files. */
  queue: SerialQueue;
  /** Makes a round durable that was appended at `from`. */
  commit: (from: number, rows: Uint8Array) => Promise<void>;
  /** Why the ledger has failed, if it has. */
  failure: () => Error | undefined;
  /** Called with an error that the ledger cannot survive. */
  onFatal: (error: unknown) => void;
}

/** What was appended in a round. */
interface AppendedRound {
  batches: WaitingBatch[];
  /** Where its rows begin in bets.csv. */
  from: number;
}

/** Stores batches, one round after the other. */
export class Rounds {
  readonly #options: RoundsOptions;
  /** The rows of the round in hand. */
  readonly #rows = new ByteBuffer(64 * 1024);
  #waiting: WaitingBatch[] = [];

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Stores a batch in the next round. */
  append(batch: BetBatch, expectedBets?: number): Promise<AppendResult> {
    const { promise, resolve } = Promise.withResolvers<AppendResult>();
    this.#enter(batch, expectedBets, {
      isHanded: false,
      isWanted: always,
      resolve: (result) => resolve(this.#counted(result)),
    });
    return promise;
  }

  /**
   * Does the same for a batch of another server, which counts it.
   *
   * @param isWanted Whether that server still waits for the outcome.
   */
  appendHanded(
    batch: BetBatch,
    expectedBets: number | undefined,
    isWanted: () => boolean,
  ): Promise<RoundResult> {
    const { promise, resolve } = Promise.withResolvers<RoundResult>();
    this.#enter(batch, expectedBets, { isHanded: true, isWanted, resolve });
    return promise;
  }

  #enter(
    batch: BetBatch,
    expectedBets: number | undefined,
    { isHanded, isWanted, resolve }: Pick<WaitingBatch, "isHanded" | "isWanted" | "resolve">,
  ): void {
    const failure = this.#options.failure();
    if (failure !== undefined) return resolve(refusedBecause(failure));
    // Asking for the time costs more than anything else here: the batches of a round share it.
    const arrived = this.#waiting.length === 0 ? microseconds() : this.#waiting[0].arrived;
    this.#waiting.push({ batch, expectedBets, arrived, isHanded, isWanted, resolve });
    if (this.#waiting.length === 1) this.#options.queue.run(() => this.#run());
  }

  #counted(result: RoundResult): AppendResult {
    if (result.status !== "refused") return result;
    return this.#options.figures.refuse(result.why, result.reason);
  }

  async #run(): Promise<void> {
    await burstEnd();
    const { batches, from } = await this.#appendWaiting();
    if (batches.length === 0) return;
    const result = await this.#commit(from);
    this.#options.figures.countRound(batches, result.status);
    for (const { resolve } of batches) resolve(result);
  }

  /** Appends the waiting batches in one round; refuses those that may not be stored. */
  async #appendWaiting(): Promise<AppendedRound> {
    let round: WaitingBatch[] = [];
    try {
      const failure = this.#options.failure();
      if (failure !== undefined) throw failure;
      return await this.#options.bets.exclusively(() => {
        // Taken only now: what came while another server held the lock shares this turn of it.
        round = this.#takeWaiting();
        return this.#append(round);
      });
    } catch (error) {
      if (error instanceof FatalLedgerError) this.#options.onFatal(error);
      // Nothing of the round is in the file, so its bets are refused.
      const refused = round.length > 0 ? round : this.#takeWaiting();
      for (const { resolve } of refused) resolve(refusedBecause(error));
      return { batches: [], from: 0 };
    }
  }

  #takeWaiting(): WaitingBatch[] {
    const round = this.#waiting;
    this.#waiting = [];
    return round;
  }

  /** Appends the batches that may be stored; refuses the others. The lock is held. */
  #append(round: readonly WaitingBatch[]): AppendedRound {
    const { bets, closed } = this.#options;
    const batches = admit(round, {
      closed: closed.agencies(bets.mark),
      countOf: (agency) => bets.count(agency),
    });
    if (batches.length === 0) return { batches, from: 0 };
    this.#rows.length = 0;
    for (const { batch } of batches) this.#rows.write(batch.bytes);
    return { batches, from: bets.append(this.#rows.view()) };
  }

  /** Makes the round durable that was appended at `from`. */
  async #commit(from: number): Promise<AppendedResult> {
    const { bets, commit, onFatal } = this.#options;
    try {
      bets.assertInPlace();
      await commit(from, this.#rows.view());
      return { status: "stored" };
    } catch (error) {
      // A second sync would succeed although these bets are lost, so there is none.
      onFatal(error);
      return unknownBecause(error);
    }
  }
}

const always = () => true;

/** Refuses a batch of which nothing is in the file. */
function refusedBecause(error: unknown): RoundResult {
  const why = error instanceof FatalLedgerError ? "other" : "disk";
  return { status: "refused", why, reason: messageOf(error) };
}
