/**
 * An agency with three programs: one sends bets without asking for progress, one asks for it all the time,
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
  STORED,
} from "../../shared/mod.ts";
import type { Random } from "../../testing/random.ts";
import type { AgencyEvent } from "../faults/history.ts";
import { batchPacket } from "../faults/made_bets.ts";

const BETS_MAX = 40;
const BATCH_BETS_MAX = 5;
/** It closes at a random moment before this. */
const CLOSE_MS_MAX = 2500;
/** Longest pause between two questions for progress. */
const ASK_MS_MAX = 150;
const PAUSE_MS = 50;
const WINNERS_BYTES_MAX = 64 * 1024;

/** Options of {@linkcode HastyAgency}. */
export interface HastyAgencyOptions {
  agency: number;
  random: Random;
  /** The addresses of the servers. */
  addresses: readonly string[];
  answerTimeoutMs: number;
  /** Longest wait for the draw, before the question is repeated. */
  winnersTimeoutMs: number;
  connect: (address: string) => Transport;
  /** Bytes of the stored bets at this moment. */
  storedBytes: () => number;
}

/** One such agency. */
export class HastyAgency {
  readonly #options: HastyAgencyOptions;
  readonly #sent: AgencyEvent[] = [];
  readonly #progress: AgencyEvent[] = [];
  readonly #stored: AgencyEvent[] = [];
  #acknowledged = 0;
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
   * @throws {Error} If an answer about progress lacks acknowledged bets or counts refused ones.
   */
  async run(): Promise<AgencyEvent[]> {
    const closing = this.#close().finally(() => this.#isClosed = true);
    const [closed] = await Promise.all([closing, this.#sendUntilDoubt(), this.#askUntilClosed()]);
    this.#requireNoneRefused(closed);
    const winners = await this.#winners();
    return [...this.#sent, ...this.#progress, ...this.#stored, ...closed, winners];
  }

  /** Sends batch after batch, until one is refused or has no answer. */
  async #sendUntilDoubt(): Promise<void> {
    const { agency, random } = this.#options;
    for (let from = 0; from < BETS_MAX;) {
      const to = from + 1 + random.below(BATCH_BETS_MAX);
      try {
        using connection = await this.#insist(() => this.#connect());
        this.#sent.push({ type: "sent", agency, from, to });
        const packet = batchPacket(agency, from, to);
        if (await connection.ask(packet, decodeStoreResponse) !== STORED) {
          this.#refusedAfter = from;
          return;
        }
      } catch (error) {
        if (error instanceof ConnectionError) return;
        throw error;
      }
      this.#stored.push({ type: "stored", agency, from, to });
      this.#acknowledged = from = to;
    }
  }

  async #askUntilClosed(): Promise<void> {
    const { agency, random } = this.#options;
    const request = encodeAgencyRequest("ProgressRequest", agency);
    while (!this.#isClosed) {
      await pause(random.below(ASK_MS_MAX));
      const acknowledged = this.#acknowledged;
      try {
        using connection = await this.#connect();
        const bets = await connection.ask(request, decodeProgressResponse);
        if (bets < acknowledged) {
          throw new Error(
            `progress of agency ${agency} is ${bets}, but ${acknowledged} were stored`,
          );
        }
        this.#progress.push({ type: "progress", agency, bets });
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
      }
    }
  }

  async #close(): Promise<AgencyEvent[]> {
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

  #requireNoneRefused(closed: AgencyEvent[]): void {
    for (const event of closed) {
      if (event.type !== "progress" || event.bets <= this.#refusedAfter) continue;
      const { agency, bets } = event;
      throw new Error(
        `agency ${agency} has ${bets} bets, but those after bet ${this.#refusedAfter} were refused`,
      );
    }
  }

  async #winners(): Promise<AgencyEvent> {
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
