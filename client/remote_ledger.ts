/**
 * The servers' ledger as one agency sees it over the network.
 *
 * No bet is lost or stored twice, whichever side crashes. The servers store a batch entirely or not at all,
 * and report how many bets of the agency are durable. The agency asks for that number on each new connection
 * and resumes after it. The servers refuse a batch if the number has changed since they reported it, so a
 * packet that arrives late on an older connection cannot be stored in addition to its repetition.
 *
 * A number alone does not say whose bets they are. So an agency that sends a file also compares digests of
 * what is stored and of the file's first bets: whenever it resumes, and before it closes.
 *
 * @module
 */

import { LINE_FEED } from "../shared/ascii.ts";
import type { ActionLog } from "../shared/logging.ts";
import {
  type Bet,
  type BetsDigest,
  decodeDigestResponse,
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeAgencyRequest,
  encodeBetFields,
  encodeStoreHead,
  STORED,
  type StoreStatus,
} from "../shared/mod.ts";
import type { Batch } from "./batch.ts";
import type { BatchPacker } from "./batch_packer.ts";
import { type Connection, ConnectionError } from "./connection.ts";
import { Greeter } from "./greeter.ts";
import { type BetsSource, ProgressKnowledge, RefusedError } from "./progress_knowledge.ts";
import { UnreachableError } from "./retry.ts";
import { RowsDigest, type Sha256 } from "./rows_digest.ts";
import type { Servers } from "./servers.ts";

/** Longest list of winners that is accepted, in bytes: some three million documents. */
const WINNERS_BYTES_MAX = 64 * 1024 * 1024;
/** A digest may take a server this much longer than another answer: it reads the whole ledger for the first. */
const DIGEST_PATIENCE = 3;

/** Options of {@linkcode RemoteLedger}. */
export interface RemoteLedgerOptions {
  /** The agency's number. */
  agency: number;
  servers: Servers;
  log: ActionLog;
  /** Asks for the winners again after this long without an answer: the server may have died silently. */
  winnersTimeoutMs: number;
  /** Whether the servers may be ones that do not know ProgressRequest. @default {false} */
  legacyServer?: boolean;
  /** Hashes bets. @default {in a thread, which takes real time} */
  sha256?: Sha256;
}

/** Stored bets of the agency as the servers report them; without a digest if they cannot make one. */
type StoredBets = Pick<BetsDigest, "bets"> & Partial<BetsDigest>;

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
  readonly #greeter: Greeter;
  /** The file's bets that are known to be stored, if the agency sends a file. */
  #sent: RowsDigest | undefined;

  constructor(options: RemoteLedgerOptions) {
    const { agency, legacyServer = false, log } = options;
    this.#options = options;
    this.#progressRequest = encodeAgencyRequest("ProgressRequest", agency);
    this.#knowledge = new ProgressKnowledge({ agency, mayBeLegacy: legacyServer });
    this.#greeter = new Greeter({ agency, knowledge: this.#knowledge, log });
  }

  /** Bets of the agency that are known to be stored, once {@linkcode progress} has been asked for. */
  get stored(): number {
    return this.#knowledge.stored;
  }

  /**
   * Asks how many bets of the agency are stored.
   *
   * @returns Nothing if the servers do not know the request.
   */
  async progress(): Promise<number | undefined> {
    // Does not use up a connection to a legacy server, which takes one packet only.
    return await this.#options.servers.use(async (connection) => {
      if (this.#knowledge.servers === "legacy") return;
      const stored = this.#greeter.takeCount(connection) ?? await this.#askProgress(connection);
      this.#knowledge.counted(stored);
      return stored;
    }, this.#greeter.greet);
  }

  /**
   * Starts to send the bets of a file: skips those that are stored, and checks that no others are.
   *
   * @param batch An empty batch to work with.
   */
  async resume(file: BetsSource, packer: BatchPacker, batch: Batch): Promise<void> {
    this.#knowledge.fileOpened(file);
    await this.progress();
    this.#knowledge.requireNoneForeign(this.stored);
    const sent = this.#sent = new RowsDigest(this.#options.sha256);
    // A late packet of an earlier run of this client may add bets meanwhile.
    while (sent.bets < this.stored) {
      await packer.skip(
        this.stored - sent.bets,
        batch,
        () => sent.add(batch.firstBets(batch.count)),
      );
      await this.#use((connection) => this.#compare(connection, sent));
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
        return await servers.useOnce(
          (connection) => connection.ask(request, decodeWinnersResponse, limits),
          this.#greeter.greet,
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
    // Connecting greets the server, and that is enough.
    else if (this.#knowledge.servers === "counting") await this.#use(() => Promise.resolve());
  }

  /** Does `work` on a connection, with retries. */
  async #use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const { servers } = this.#options;
    const result = await servers.use(work, this.#greeter.greet);
    if (this.#knowledge.servers === "legacy") servers.disconnect();
    return result;
  }

  async #askProgress(connection: Connection): Promise<number> {
    return await connection.ask(this.#progressRequest, decodeProgressResponse);
  }

  /** Asks which bets are stored or, if the servers cannot report that, how many. */
  async #askStored(connection: Connection): Promise<StoredBets> {
    if (!this.#knowledge.canDigest) return { bets: await this.#askProgress(connection) };
    const { agency, servers } = this.#options;
    try {
      // The answer to the first packet shows that the server works, whatever it does with the second.
      const digest = await connection.askAfter(
        { packet: this.#progressRequest, decode: decodeProgressResponse },
        {
          packet: encodeAgencyRequest("DigestRequest", agency),
          decode: decodeDigestResponse,
          timeoutMs: DIGEST_PATIENCE * servers.answerTimeoutMs,
        },
      );
      this.#knowledge.digestAnswered();
      return digest;
    } catch (error) {
      const isRefused = error instanceof ConnectionError && error.failure === "refused";
      if (isRefused && this.#knowledge.digestRefused()) this.#logNoDigests();
      throw error;
    }
  }

  #logNoDigests(): void {
    const { agency, log } = this.#options;
    const reason =
      "the servers do not know DigestRequest: the client compares only how many bets are stored " +
      "with its file, not which";
    log.warning("progress", "fail", { agency, error: reason });
  }

  /** Compares the stored bets with the same number of the file's, if it has skipped or sent as many. */
  async #compare(connection: Connection, sent: RowsDigest): Promise<void> {
    this.#greeter.takeCount(connection);
    const found = await this.#askStored(connection);
    this.#knowledge.requireNoneLost(found.bets);
    this.#knowledge.requireNoneForeign(found.bets);
    if (found.bets === sent.bets) await this.#requireSame(found, sent);
    this.#knowledge.counted(found.bets);
  }

  async #requireSame({ bets, sha256 }: StoredBets, sent: RowsDigest): Promise<void> {
    if (sha256 !== undefined) this.#knowledge.requireSame({ bets, sha256 }, await sent.sha256());
  }

  async #storeOn(connection: Connection, batch: Batch): Promise<void> {
    const { agency, log } = this.#options;
    const count = this.#greeter.takeCount(connection);
    if (count === 0) await this.#resume({ bets: 0 }, batch);
    else if (count !== undefined) await this.#resume(await this.#askStored(connection), batch);
    const cantidad = batch.count;
    if (cantidad === 0) return;
    if (await this.#askToStore(connection, batch.packet()) === STORED) {
      this.#knowledge.acknowledged(cantidad);
      this.#sent?.add(batch.firstBets(cantidad));
      batch.clear();
      return log.debug("apuestas_almacenadas", "success", { agency, cantidad });
    }
    const what = `bets ${this.stored + 1} to ${this.stored + cantidad}`;
    await this.#resume(await this.#countAfterRefusal(connection, what), batch);
  }

  /** Removes the bets that turn out to be stored from a batch. */
  async #resume(found: StoredBets, batch: Batch): Promise<void> {
    const count = this.#knowledge.recounted(found.bets, batch.count);
    if (count > 0) this.#sent?.add(batch.firstBets(count));
    batch.dropFirst(count);
    if (this.#sent !== undefined) await this.#requireSame(found, this.#sent);
  }

  /** Returns whether the bet is stored; if not, it may be sent again. */
  async #storeBetOn(connection: Connection, packet: Uint8Array): Promise<boolean> {
    const count = this.#greeter.takeCount(connection);
    if (count !== undefined) this.#requireUnsent(count);
    if (await this.#askToStore(connection, packet) === STORED) return true;
    const { bets } = await this.#countAfterRefusal(connection, "the bet");
    this.#knowledge.counted(bets);
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
  async #countAfterRefusal(connection: Connection, what: string): Promise<StoredBets> {
    const isCounting = this.#knowledge.servers === "counting";
    const found = isCounting ? await this.#askStored(connection) : { bets: this.stored };
    if (found.bets !== this.stored) return found;
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
    // These servers may hold another draw by now, or bets of others. Never close an agency there.
    const count = this.#greeter.takeCount(connection);
    if (this.#sent !== undefined) await this.#compare(connection, this.#sent);
    else if (count !== undefined) this.#knowledge.requireNoneLost(count);
    const packets = new Uint8Array([...close, ...this.#progressRequest]);
    const stored = await connection.ask(packets, decodeProgressResponse);
    this.#knowledge.requireNoneLost(stored);
    this.#knowledge.requireNoneForeign(stored);
  }
}
