/**
 * The work of one agency: it sends its bets in batches, closes, and asks for its winners.
 *
 * @module
 */

import type { Bet } from "../shared/mod.ts";
import { Batch } from "./batch.ts";
import { type BatchLimits, BatchPacker, type BetBlocks } from "./batch_packer.ts";
import type { BetsSource } from "./progress_knowledge.ts";
import type { ProgressReport } from "./progress_report.ts";
import { RemoteLedger, type RemoteLedgerOptions } from "./remote_ledger.ts";

/** The bets that an agency sends. */
export interface AgencyBets extends BetBlocks, BetsSource {}

/** Options of {@linkcode Agency.sendBets}. */
export interface SendOptions extends BatchLimits {
  /** Receives the number of stored bets before each batch and at the end. */
  progress?: ProgressReport;
}

/** One agency of the lottery. Its methods throw as those of {@linkcode RemoteLedger} do. */
export class Agency {
  readonly #options: RemoteLedgerOptions;
  readonly #ledger: RemoteLedger;

  constructor(options: RemoteLedgerOptions) {
    this.#options = options;
    this.#ledger = new RemoteLedger(options);
  }

  /**
   * Does an agency's whole work: sends the bets, closes, and waits for the winners.
   *
   * @returns The documents of the agency's winners.
   */
  async run(bets: AgencyBets, options: SendOptions): Promise<string[]> {
    await this.sendBets(bets, options);
    await this.close();
    return await this.awaitWinners();
  }

  /** Sends the bets that are not stored yet, in batches. Packs the next batch while one is in flight. */
  async sendBets(bets: AgencyBets, { progress, ...limits }: SendOptions): Promise<void> {
    const { agency, log } = this.#options;
    const ledger = this.#ledger;
    const packer = new BatchPacker(bets, limits);
    let [batch, next] = [new Batch(agency), new Batch(agency)];
    await ledger.resume(bets, packer, batch);
    if (ledger.stored > 0) log.info("resume", "success", { agency, cantidad: ledger.stored });
    await packer.pack(batch);
    while (batch.count > 0) {
      progress?.update(ledger.stored);
      await both(ledger.store(batch), packer.pack(next));
      [batch, next] = [next, batch];
    }
    progress?.update(ledger.stored);
    progress?.end();
    log.info("apuestas_enviadas", "success", { agency, cantidad: bets.total });
  }

  /** Sends one bet, in addition to those that are stored. */
  async sendBet(bet: Omit<Bet, "agency">): Promise<void> {
    await this.#ledger.storeBet(bet);
    const details = { dni: bet.document, numero: bet.number };
    this.#options.log.info("apuesta_almacenada", "success", details);
  }

  /** Closes the agency: it sends no more bets. May be repeated. */
  async close(): Promise<void> {
    const { agency, log } = this.#options;
    await this.#ledger.close();
    log.info("agency_close", "success", { agency });
  }

  /**
   * Waits for the draw, however long it takes.
   *
   * @returns The documents of the agency's winners.
   */
  async awaitWinners(): Promise<string[]> {
    const { agency, log } = this.#options;
    log.info("consulta_ganadores", "in_progress", { agency });
    const documents = await this.#ledger.winners();
    log.info("consulta_ganadores", "success", {
      agency,
      cant_ganadores: documents.length,
      documentos: documents.join(";"),
    });
    return documents;
  }

  /**
   * Asks how many bets of this agency are stored.
   *
   * @returns Nothing if the servers do not know the request.
   */
  async progress(): Promise<number | undefined> {
    return await this.#ledger.progress();
  }
}

/** Waits for both even if one fails, so that nothing keeps running after the caller has failed. */
async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  for (const outcome of await Promise.allSettled([one, other])) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
