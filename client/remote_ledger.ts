/**
 * The servers' ledger as one agency sees it over the network.
 *
 * No bet is lost or stored twice, whichever side crashes. The servers store a batch entirely or not at all,
 * and report how many bets of the agency are durable. The agency asks for that number on each new connection
 * and resumes after it. The servers refuse a batch if the number has changed since they reported it, so a
 * packet that arrives late on an older connection cannot be stored in addition to its repetition.
 *
 * @module
 */

import { LINE_FEED } from "../shared/ascii.ts";
import {
  type Bet,
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeAgencyRequest,
  encodeBetFields,
  encodeStoreHead,
  STORED,
  type StoreStatus,
} from "../shared/mod.ts";
import type { ActionLog } from "../shared/logging.ts";
import type { Batch } from "./batch.ts";
import { type Connection, ConnectionError } from "./connection.ts";
import { ProgressKnowledge, RefusedError } from "./progress_knowledge.ts";
import { UnreachableError } from "./retry.ts";
import type { Servers } from "./servers.ts";

/** Longest list of winners that is accepted, in bytes: some three million documents. */
const WINNERS_BYTES_MAX = 64 * 1024 * 1024;
/** How long a suspect connection must stay open before it is used. */
const STAYS_OPEN_MS = 250;

/** Options of {@linkcode RemoteLedger}. */
export interface RemoteLedgerOptions {
  /** The agency's number. */
  agency: number;
  servers: Servers;
  log: ActionLog;
  /** Asks for the winners again after this long without an answer: the server may have died silently. */
  winnersTimeoutMs: number;
}

/**
 * Stores one agency's bets, closes the agency, and fetches its winners.
 *
 * Every method throws a {@linkcode RefusedError} if the servers refuse a request or hold other bets of the
 * agency, and an {@linkcode UnreachableError} if no server works for too long.
 */
export class RemoteLedger {
  readonly #options: RemoteLedgerOptions;
  readonly #progressRequest: Uint8Array<ArrayBuffer>;
  readonly #knowledge: ProgressKnowledge;

  constructor(options: RemoteLedgerOptions) {
    this.#options = options;
    this.#progressRequest = encodeAgencyRequest("ProgressRequest", options.agency);
    this.#knowledge = new ProgressKnowledge(options.agency);
  }

  /** Bets of the agency that are known to be stored, once {@linkcode progress} has been asked for. */
  get stored(): number {
    return this.#knowledge.stored;
  }

  /**
   * Asks how many bets of the agency are stored.
   *
   * @param sentMax How many the agency can have sent. @default {Infinity}
   * @returns Nothing if the servers do not know the request.
   */
  async progress(sentMax = Infinity): Promise<number | undefined> {
    if (this.#knowledge.servers === "legacy") return;
    const retry = this.#options.servers.retry();
    for (;;) {
      try {
        return await this.#count(sentMax);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        const servers = this.#knowledge.connectionFailed(error.failure);
        if (servers === "legacy") {
          this.#fallBack();
          return;
        }
        await retry.failed(error);
      }
    }
  }

  /**
   * Gets all bets of a batch stored, on as many connections as that takes, and removes them from it. The
   * batch has the bets after the {@linkcode stored} ones.
   */
  async store(batch: Batch): Promise<void> {
    while (batch.count > 0) await this.#use((connection) => this.#storeOn(connection, batch));
  }

  /**
   * Gets one bet stored, in addition to those that are.
   *
   * @throws {UnreachableError} Also if it is unknown whether the bet was stored.
   */
  async storeBet(bet: Omit<Bet, "agency">): Promise<void> {
    const head = encodeStoreHead("StoreBet", this.#options.agency);
    const packet = new Uint8Array([...head, ...encodeBetFields(bet), LINE_FEED]);
    await this.progress();
    while (!await this.#use((connection) => this.#storeBetOn(connection, packet)));
  }

  /** Closes the agency. May be repeated. */
  async close(): Promise<void> {
    await this.#ensureAsked();
    const packet = encodeAgencyRequest("AgencyClose", this.#options.agency);
    await this.#use((connection) => this.#closeOn(connection, packet));
    this.#knowledge.agencyClosed();
  }

  /**
   * Waits for the draw, however long it takes.
   *
   * @returns The documents of the agency's winners.
   */
  async winners(): Promise<string[]> {
    await this.#ensureAsked();
    const { agency, log, servers, winnersTimeoutMs } = this.#options;
    const limits = { timeoutMs: winnersTimeoutMs, bytesMax: WINNERS_BYTES_MAX };
    const request = encodeAgencyRequest("WinnersRequest", agency);
    const retry = servers.retry();
    for (;;) {
      const sinceMs = servers.now();
      try {
        return await servers.useOnce((connection) =>
          connection.ask(request, decodeWinnersResponse, limits)
        );
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        // A server that kept the agency waiting was working until then.
        if (servers.now() - sinceMs > servers.answerTimeoutMs) retry.succeeded();
        if (error.failure !== "silent") await retry.failed(error);
        else log.debug("consulta_ganadores", "in_progress", { agency, reason: "asking again" });
        servers.disconnect();
      }
      await this.#prepareToAskAgain();
    }
  }

  async #ensureAsked(): Promise<void> {
    if (this.#knowledge.servers === "unknown") await this.progress();
  }

  /** Ensures that a server is reachable and, if the agency has closed, knows that. */
  async #prepareToAskAgain(): Promise<void> {
    if (this.#knowledge.isClosed) await this.close();
    else if (this.#knowledge.servers === "counting") {
      await this.#use((connection) => this.#askProgress(connection));
    }
  }

  /** Does `work` on a connection, with retries. */
  async #use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const { servers } = this.#options;
    const result = await servers.use(work);
    if (this.#knowledge.servers === "legacy") servers.disconnect();
    return result;
  }

  async #count(sentMax: number): Promise<number> {
    const stored = await this.#options.servers.useOnce(async (connection) => {
      if (this.#knowledge.isNextSuspect) await connection.requireOpen(STAYS_OPEN_MS);
      return await this.#askProgress(connection);
    });
    this.#knowledge.requireNoneForeign(stored, sentMax);
    this.#knowledge.counted(stored);
    return stored;
  }

  #fallBack(): void {
    const { agency, log, servers } = this.#options;
    const reason = "the server does not know ProgressRequest, or does not know this agency: " +
      "sending from the first bet on, one packet per connection";
    log.warning("progress", "fail", { agency, error: reason });
    servers.disconnect();
  }

  async #askProgress(connection: Connection): Promise<number> {
    return await connection.ask(this.#progressRequest, decodeProgressResponse);
  }

  /** Whether the servers' count must be asked for before bets are sent or the agency is closed. */
  #mustCount(connection: Connection): boolean {
    return connection.isNew && this.#knowledge.servers === "counting";
  }

  async #storeOn(connection: Connection, batch: Batch): Promise<void> {
    const { agency, log } = this.#options;
    if (this.#mustCount(connection)) this.#resume(await this.#askProgress(connection), batch);
    const cantidad = batch.count;
    if (cantidad === 0) return;
    if (await this.#askToStore(connection, batch.packet()) === STORED) {
      this.#knowledge.acknowledged(cantidad);
      batch.clear();
      return log.debug("apuestas_almacenadas", "success", { agency, cantidad });
    }
    const what = `bets ${this.stored + 1} to ${this.stored + cantidad}`;
    this.#resume(await this.#countAfterRefusal(connection, what), batch);
  }

  /** Removes the bets that turn out to be stored from a batch. */
  #resume(stored: number, batch: Batch): void {
    batch.dropFirst(this.#knowledge.recounted(stored, batch.count));
  }

  /** Returns whether the bet is stored; if not, it may be sent again. */
  async #storeBetOn(connection: Connection, packet: Uint8Array): Promise<boolean> {
    if (this.#mustCount(connection)) this.#requireUnsent(await this.#askProgress(connection));
    if (await this.#askToStore(connection, packet) === STORED) return true;
    this.#knowledge.counted(await this.#countAfterRefusal(connection, "the bet"));
    return false;
  }

  /** Checks, after the previous connection failed, that the bet was not stored on it. */
  #requireUnsent(stored: number): void {
    if (stored === this.stored) return;
    throw new UnreachableError(
      "Cannot know whether the bet was stored: its answer was lost, and agency " +
        `${this.#options.agency} has ${stored} bets now and had ${this.stored} before: ` +
        "look for the bet before sending it again",
    );
  }

  async #askToStore(connection: Connection, packet: Uint8Array): Promise<StoreStatus> {
    try {
      return await connection.ask(packet, decodeStoreResponse);
    } catch (error) {
      const isUnknown = error instanceof ConnectionError && this.#knowledge.servers === "legacy";
      if (!isUnknown) throw error;
      throw new UnreachableError(
        `Cannot know whether the bets after the first ${this.stored} were stored: ${error.message}, and ` +
          "this server does not report progress: look for them before sending them again",
        { cause: error },
      );
    }
  }

  /**
   * Finds out why a server refused bets: a packet that arrived late on an older connection has stored them
   * already, or the server does not accept them.
   *
   * @returns The changed number of stored bets, in the first case.
   * @throws {RefusedError} In the second case.
   */
  async #countAfterRefusal(connection: Connection, what: string): Promise<number> {
    const isCounting = this.#knowledge.servers === "counting";
    const stored = isCounting ? await this.#askProgress(connection) : this.stored;
    if (stored !== this.stored) return stored;
    const spelling = ", or the server is another program that spells StoreBatch differently";
    throw new RefusedError(
      `Cannot store ${what} of agency ${this.#options.agency}: the server refused; its log has the reason ` +
        "(the agency is closed, its number is over AGENCIES_AMOUNT, the disk is full" +
        `${isCounting ? "" : spelling})`,
    );
  }

  /**
   * AgencyClose has no answer. The ProgressRequest after it has one, and a server reads it only once the
   * close is durable.
   */
  async #closeOn(connection: Connection, close: Uint8Array): Promise<void> {
    if (this.#knowledge.servers === "legacy") return await connection.send(close);
    // These servers may hold another draw by now. Never close an agency there: they lack its bets.
    if (this.#mustCount(connection)) {
      this.#knowledge.requireNoneLost(await this.#askProgress(connection));
    }
    const packets = new Uint8Array([...close, ...this.#progressRequest]);
    this.#knowledge.requireNoneLost(await connection.ask(packets, decodeProgressResponse));
  }
}
