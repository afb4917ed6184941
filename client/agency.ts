/**
 * An agency's story: it sends its bets in batches, closes, and asks for its winners.
 *
 * No bet is lost or doubled, whoever crashes. The servers store a batch entirely or not at all, and tell
 * how many bets of the agency they have stored for good. On each new connection the agency asks for that
 * number and goes on from there; and the servers refuse a batch when the number is no longer the one that
 * they told, so that a packet that was late on an older connection cannot be stored beside its repetition.
 *
 * @module
 */

import type { Bet } from "../shared/bet.ts";
import type { ActionLog } from "../shared/logging.ts";
import {
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeAgencyRequest,
  encodeBetFields,
  encodeStoreHead,
  STORED,
  type StoreStatus,
} from "../shared/packets.ts";
import { Batch, type BatchLimits, BatchPacker, type BetBlocks } from "./batches.ts";
import { type Connection, ConnectionError } from "./connection.ts";
import { type Servers, UnreachableError } from "./servers.ts";

/** Longest list of winners that is taken, in bytes: some three million documents. */
const WINNERS_BYTES_MAX = 64 * 1024 * 1024;
/** So many connections, closed instead of a ProgressResponse, tell that a server does not know the request. */
const CLOSED_CONNECTIONS_MAX = 8;
/**
 * From so many on, a connection must have stayed open for a while before it is asked: a load balancer
 * without a server closes at once, and must not be taken for a server.
 */
const CLOSED_CONNECTIONS_DOUBTED = 2;
const STAYS_OPEN_MS = 250;

/** The servers refuse what the agency asks, or have stored other bets than it has sent. */
export class RefusedError extends Error {
  override name = "RefusedError";
}

/** The bets that an agency sends. */
export interface AgencyBets extends BetBlocks {
  /** How many there are. */
  total: number;
}

/** Is told how many bets are stored. */
export interface ProgressReport {
  update(stored: number): void;
  /** All bets are stored. */
  end(): void;
}

/** Options of {@linkcode Agency}. */
export interface AgencyOptions {
  agency: number;
  servers: Servers;
  log: ActionLog;
  /** Asks for the winners anew when no answer came for so long: the server may have died silently. */
  winnersPatienceMs: number;
}

/** Options of {@linkcode Agency.sendBets}. */
export interface SendOptions extends BatchLimits {
  /** Is told of each batch. */
  progress?: ProgressReport;
}

/** One agency of the lottery. */
export class Agency {
  readonly #options: AgencyOptions;
  readonly #progressRequest: Uint8Array<ArrayBuffer>;
  /** Bets that are known to be stored for good; none where the servers do not tell. */
  #stored = 0;
  /** Whether the servers were asked if they tell. */
  #hasAsked = false;
  #hasClosed = false;

  constructor(options: AgencyOptions) {
    this.#options = options;
    this.#progressRequest = encodeAgencyRequest("ProgressRequest", options.agency);
  }

  /**
   * The whole story.
   *
   * @returns The documents of the agency's winners.
   */
  async run(bets: AgencyBets, options: SendOptions): Promise<string[]> {
    await this.sendBets(bets, options);
    await this.close();
    return await this.awaitWinners();
  }

  /**
   * Sends the bets that are not stored yet, in batches. While a batch is on its way, the next is packed.
   *
   * @throws {RefusedError} If the servers refuse a batch, or hold other bets of this agency.
   * @throws {UnreachableError} If no server does its work for too long.
   */
  async sendBets(bets: AgencyBets, { progress, ...limits }: SendOptions): Promise<void> {
    const { agency, log } = this.#options;
    const packer = new BatchPacker(bets, limits);
    await this.progress();
    if (this.#stored > bets.total) throw this.#foreignBets(this.#stored, bets.total);
    if (this.#stored > 0) log.info("resume", "success", { agency, cantidad: this.#stored });
    await packer.skip(this.#stored);
    let [batch, next] = [new Batch(agency), new Batch(agency)];
    await packer.pack(batch);
    while (batch.count > 0) {
      progress?.update(this.#stored);
      await both(this.#store(batch), packer.pack(next));
      [batch, next] = [next, batch];
    }
    progress?.update(this.#stored);
    progress?.end();
    log.info("apuestas_enviadas", "success", { agency, cantidad: bets.total });
  }

  /**
   * Sends one bet, in addition to those that are stored.
   *
   * @throws {RefusedError} If the servers refuse it.
   * @throws {UnreachableError} If no server answers, or it cannot be known whether the bet was stored.
   */
  async sendBet(bet: Omit<Bet, "agency">): Promise<void> {
    const { agency, log, servers } = this.#options;
    const packet = storeBetPacket(agency, bet);
    await this.progress();
    while (!await servers.use((connection) => this.#storeBetOn(connection, packet)));
    log.info("apuesta_almacenada", "success", { dni: bet.document, numero: bet.number });
  }

  /** Closes the agency: it sends no bets any more. May be done twice. */
  async close(): Promise<void> {
    const { agency, log } = this.#options;
    if (!this.#hasAsked) await this.progress();
    await this.#tellClosed();
    log.info("agency_close", "success", { agency });
  }

  /**
   * Waits for the draw, for as long as it takes.
   *
   * @returns The documents of the agency's winners.
   */
  async awaitWinners(): Promise<string[]> {
    const { agency, log } = this.#options;
    if (!this.#hasAsked) await this.progress();
    log.info("consulta_ganadores", "in_progress", { agency });
    const documents = await this.#askWinners();
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
   * @returns Nothing if the servers do not tell: then they take one packet a connection.
   */
  async progress(): Promise<number | undefined> {
    const { servers } = this.#options;
    const stored = await servers.use((connection) => this.#tryProgress(connection));
    this.#hasAsked = true;
    this.#stored = stored ?? 0;
    return stored;
  }

  /** Asks for the progress a server that may not know this request, and then closes the connection. */
  async #tryProgress(connection: Connection): Promise<number | undefined> {
    const { agency, log, servers } = this.#options;
    if (servers.closedInARow >= CLOSED_CONNECTIONS_DOUBTED) {
      await connection.staysOpen(STAYS_OPEN_MS);
    }
    try {
      return await this.#askProgress(connection);
    } catch (error) {
      const isClosed = error instanceof ConnectionError && error.failure === "closed";
      if (!isClosed || servers.closedInARow + 1 < CLOSED_CONNECTIONS_MAX) throw error;
      servers.closesAfterAnswer = true;
      const reason = "the server does not know ProgressRequest, or not this agency: " +
        "going on with a connection for each packet, from the first bet";
      log.warning("progress", "fail", { agency, error: reason });
      return undefined;
    }
  }

  async #askProgress(connection: Connection): Promise<number> {
    return await connection.ask(this.#progressRequest, decodeProgressResponse);
  }

  /** Whether the servers tell how many bets they have stored, so that sending can go on from there. */
  get #mayResume(): boolean {
    return !this.#options.servers.closesAfterAnswer;
  }

  /** Has all bets of a batch stored, on as many connections as it takes. */
  async #store(batch: Batch): Promise<void> {
    while (batch.count > 0) {
      await this.#options.servers.use((connection) => this.#storeOn(connection, batch));
    }
  }

  async #storeOn(connection: Connection, batch: Batch): Promise<void> {
    const { agency, log } = this.#options;
    const isNew = connection.answers === 0;
    if (isNew && this.#mayResume) this.#goOnFrom(await this.#askProgress(connection), batch);
    const cantidad = batch.count;
    if (cantidad === 0) return;
    if (await this.#askToStore(connection, batch.packet()) === STORED) {
      this.#goOnFrom(this.#stored + cantidad, batch);
      return log.debug("apuestas_almacenadas", "success", { agency, cantidad });
    }
    const first = this.#stored + 1;
    await this.#checkRefusal(connection, `bets ${first} to ${this.#stored + cantidad}`, batch);
  }

  /** Drops from a batch in hand what turned out to be stored. */
  #goOnFrom(stored: number, batch: Batch): void {
    const sent = this.#stored + batch.count;
    this.#checkStored(stored);
    if (stored > sent) throw this.#foreignBets(stored, sent);
    batch.dropFirst(stored - this.#stored);
    this.#stored = stored;
  }

  /** Returns whether the bet is stored; otherwise it may be sent again. */
  async #storeBetOn(connection: Connection, packet: Uint8Array): Promise<boolean> {
    const isNew = connection.answers === 0;
    if (isNew && this.#mayResume) await this.#checkUnsent(connection);
    if (await this.#askToStore(connection, packet) === STORED) return true;
    await this.#checkRefusal(connection, "the bet");
    return false;
  }

  /** On a new connection, after the one before failed: was the bet stored? */
  async #checkUnsent(connection: Connection): Promise<void> {
    const stored = await this.#askProgress(connection);
    if (stored === this.#stored) return;
    throw new UnreachableError(
      `Cannot tell whether the bet was stored: its answer was lost, and agency ${this.#options.agency} ` +
        `has ${stored} bets, ${this.#stored} before: look before you send it again`,
    );
  }

  async #askToStore(connection: Connection, packet: Uint8Array): Promise<StoreStatus> {
    try {
      return await connection.ask(packet, decodeStoreResponse);
    } catch (error) {
      if (!(error instanceof ConnectionError) || this.#mayResume) throw error;
      const reason = `Cannot tell whether the bets behind the first ${this.#stored} were stored`;
      throw new UnreachableError(
        `${reason}: ${error.message}, and this server does not tell; look before you send them again`,
        { cause: error },
      );
    }
  }

  /**
   * A server refuses bets for their own sake, or because there are more stored than it told this
   * connection: a packet of an older connection was late, and holds the same bets.
   */
  async #checkRefusal(connection: Connection, what: string, batch?: Batch): Promise<void> {
    const { agency } = this.#options;
    const stored = this.#mayResume ? await this.#askProgress(connection) : this.#stored;
    if (stored === this.#stored) {
      const spelling = "the server is another program that writes StoreBatch otherwise";
      throw new RefusedError(
        `Cannot store ${what} of agency ${agency}: the server refused; its log says why ` +
          "(the agency is closed, its number is over AGENCIES_AMOUNT, the disk is full" +
          `${this.#mayResume ? "" : `, or ${spelling}`})`,
      );
    }
    if (batch === undefined) this.#stored = stored;
    else this.#goOnFrom(stored, batch);
  }

  /** AgencyClose has no answer. The ProgressRequest behind it has, and is not read before. */
  async #tellClosed(): Promise<void> {
    const { agency, servers } = this.#options;
    const packet = encodeAgencyRequest("AgencyClose", agency);
    await servers.use(async (connection) => {
      if (!this.#mayResume) return await connection.tell(packet);
      // These servers may not be those that have the bets: they must not close an agency of another draw.
      if (connection.answers === 0) this.#checkStored(await this.#askProgress(connection));
      const packets = new Uint8Array([...packet, ...this.#progressRequest]);
      this.#checkStored(await connection.ask(packets, decodeProgressResponse));
    });
    this.#hasClosed = true;
  }

  async #askWinners(): Promise<string[]> {
    const { agency, log, servers, winnersPatienceMs } = this.#options;
    const limits = { timeoutMs: winnersPatienceMs, bytesMax: WINNERS_BYTES_MAX };
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
        // A server that let the agency wait was at work until then.
        if (servers.now() - sinceMs > servers.answerTimeoutMs) retry.succeeded();
        if (error.failure !== "silent") await retry.failed(error);
        else log.debug("consulta_ganadores", "in_progress", { agency, reason: "asking anew" });
        servers.hangUp();
      }
      await this.#greetAgain();
    }
  }

  /** Makes sure that a server is there, and knows that the agency has closed. */
  async #greetAgain(): Promise<void> {
    if (this.#hasClosed) await this.#tellClosed();
    else if (this.#mayResume) {
      await this.#options.servers.use((connection) => this.#askProgress(connection));
    }
  }

  /** No bet that was stored may be gone. */
  #checkStored(stored: number): void {
    if (stored >= this.#stored) return;
    throw new RefusedError(
      `Cannot go on: the servers had stored ${this.#stored} bets of agency ${this.#options.agency} ` +
        `and now have ${stored}: bets are lost; look at bets.csv on their volume`,
    );
  }

  #foreignBets(stored: number, sent: number): RefusedError {
    return new RefusedError(
      `Cannot go on: the servers have ${stored} bets of agency ${this.#options.agency}, of which this ` +
        `file gave ${sent}: they are another file's, or somebody else sends for this agency`,
    );
  }
}

function storeBetPacket(agency: number, bet: Omit<Bet, "agency">): Uint8Array {
  const lineEnd = new TextEncoder().encode("\n");
  return new Uint8Array([
    ...encodeStoreHead("StoreBet", agency),
    ...encodeBetFields(bet),
    ...lineEnd,
  ]);
}

/** Waits for both, even if one fails: nothing goes on behind the caller's back. */
async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  for (const outcome of await Promise.allSettled([one, other])) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
