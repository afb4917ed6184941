/**
 * An agency with several programs: one sends bets to which servers expect no count, some ask for progress all the time,
 * and one closes the agency while bets are still sent. The protocol allows that.
 *
 * @module
 */

import { connect, type Connection, ConnectionError } from "../../client/connection.ts";
import type { Transport } from "../../client/dialer.ts";
import {
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeAgencyRequest,
  REFUSED,
  STORED,
  type StoreStatus,
} from "../../shared/mod.ts";
import type { Random } from "../../testing/random.ts";
import type { Event } from "../faults/history.ts";
import { batchPacket } from "../faults/made_bets.ts";

const BETS_MAX = 40;
const BATCH_BETS_MAX = 5;
/** It closes at a random moment before this. */
const CLOSE_MS_MAX = 4000;
/** Programs that ask for progress, each with pauses up to this long. */
const ASKERS = 3;
const ASK_MS_MAX = 300;
const PAUSE_MS = 50;
const WINNERS_BYTES_MAX = 64 * 1024;

/** Options of {@linkcode HastyAgency}. */
export interface HastyAgencyOptions {
  agency: number;
  random: Random;
  /** The addresses of the servers. */
  addresses: readonly string[];
  answerTimeoutMs: number;
  /** How long a server may work on a packet. */
  doubtMs: number;
  /** Longest wait for the draw, before the question is repeated. */
  winnersTimeoutMs: number;
  connect: (address: string) => Transport;
  /** Bytes of the stored bets at this moment. */
  storedBytes: () => number;
}

/** One such agency. */
export class HastyAgency {
  readonly #options: HastyAgencyOptions;
  readonly #sent: Event[] = [];
  readonly #progress: number[] = [];
  readonly #stored: Event[] = [];
  /** How many bets any program knows to be stored. */
  #known = 0;
  /** How many bets precede the batch that was refused, if one was. */
  #refusedAfter = Infinity;
  #isClosed = false;

  constructor(options: HastyAgencyOptions) {
    this.#options = options;
  }

  /**
   * Sends, closes, and gets the winners.
   *
   * @returns What it did and learned. Its programs do not wait for each other, so the order is not that of
   * time: an answer that left a server before the close may arrive after it.
   * @throws {Error} If an answer about progress lacks bets that were stored before the question, or counts
   * refused ones.
   */
  async run(): Promise<Event[]> {
    const closing = this.#close().finally(() => this.#isClosed = true);
    const asking = Array.from({ length: ASKERS }, () => this.#askUntilClosed());
    const [closed] = await Promise.all([closing, this.#send(), ...asking]);
    this.#requireNoneRefused(closed);
    const winners = await this.#winners();
    const { agency } = this.#options;
    const progress = this.#progress.sort((a, b) => a - b)
      .map((bets): Event => ({ type: "progress", agency, bets }));
    return [...this.#sent, ...progress, ...this.#stored, ...closed, winners];
  }

  /**
   * Sends batch after batch until one is refused, each on a connection that asks for nothing else. After one
   * without an answer it waits until no server works on it any more, and continues after what is stored.
   */
  async #send(): Promise<void> {
    const { agency, random } = this.#options;
    for (let from = 0; from < BETS_MAX;) {
      const to = from + 1 + random.below(BATCH_BETS_MAX);
      const answer = await this.#sendBatch(from, to);
      if (answer === REFUSED) return void (this.#refusedAfter = from);
      if (answer === STORED) {
        this.#stored.push({ type: "stored", agency, from, to });
        from = to;
        this.#known = Math.max(this.#known, to);
      } else {
        await pause(this.#options.doubtMs);
        from = await this.#insist(() => this.#askProgress());
      }
    }
  }

  /** Returns nothing if there is no answer. */
  async #sendBatch(from: number, to: number): Promise<StoreStatus | undefined> {
    const { agency } = this.#options;
    try {
      using connection = await this.#insist(() => this.#connect());
      this.#sent.push({ type: "sent", agency, from, to });
      return await connection.ask(batchPacket(agency, from, to), decodeStoreResponse);
    } catch (error) {
      if (error instanceof ConnectionError) return undefined;
      throw error;
    }
  }

  /**
   * Asks how many bets are stored.
   *
   * @throws {Error} If there are fewer than were known before.
   */
  async #askProgress(): Promise<number> {
    const { agency } = this.#options;
    const known = this.#known;
    using connection = await this.#connect();
    const request = encodeAgencyRequest("ProgressRequest", agency);
    const bets = await connection.ask(request, decodeProgressResponse);
    if (bets < known) throw new Error(`agency ${agency} has ${bets} bets, after it had ${known}`);
    this.#known = Math.max(this.#known, bets);
    this.#progress.push(bets);
    return bets;
  }

  async #askUntilClosed(): Promise<void> {
    while (!this.#isClosed) {
      await pause(this.#options.random.below(ASK_MS_MAX));
      await this.#insist(() => this.#askProgress());
    }
  }

  async #close(): Promise<Event[]> {
    const { agency, random, storedBytes } = this.#options;
    await pause(random.below(CLOSE_MS_MAX));
    const packets = new Uint8Array([
      ...encodeAgencyRequest("AgencyClose", agency),
      ...encodeAgencyRequest("ProgressRequest", agency),
    ]);
    const bets = await this.#insist(async () => {
      using connection = await this.#connect();
      return await connection.ask(packets, decodeProgressResponse);
    });
    return [
      { type: "close sent", agency },
      { type: "closed", agency, fileSize: storedBytes() },
      { type: "progress", agency, bets },
    ];
  }

  #requireNoneRefused(closed: Event[]): void {
    for (const event of closed) {
      if (event.type !== "progress" || event.bets <= this.#refusedAfter) continue;
      const { agency, bets } = event;
      throw new Error(
        `agency ${agency} has ${bets} bets, but those after bet ${this.#refusedAfter} were refused`,
      );
    }
  }

  async #winners(): Promise<Event> {
    const { agency, winnersTimeoutMs: timeoutMs } = this.#options;
    const request = encodeAgencyRequest("WinnersRequest", agency);
    const limits = { timeoutMs, bytesMax: WINNERS_BYTES_MAX };
    const documents = await this.#insist(async () => {
      using connection = await this.#connect();
      return await connection.ask(request, decodeWinnersResponse, limits);
    });
    return { type: "winners", agency, documents, server: "a server" };
  }

  /** Repeats `work` until no connection fails. */
  async #insist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        await pause(PAUSE_MS);
      }
    }
  }

  async #connect(): Promise<Connection> {
    const { addresses, answerTimeoutMs: timeoutMs, connect: open, random } = this.#options;
    const address = { hostname: random.pick(addresses), port: 1 };
    const dialer = {
      resolve: () => Promise.resolve([...addresses]),
      connect: async ({ hostname }: { hostname: string }) => await Promise.resolve(open(hostname)),
    };
    return await connect(address, { dialer, timeoutMs });
  }
}

function pause(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}
