/**
 * An agency that does not ask for progress, and that one program closes while another still sends bets:
 * the protocol allows both.
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
const CLOSE_MS_MAX = 1500;
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

  constructor(options: HastyAgencyOptions) {
    this.#options = options;
  }

  /**
   * Sends, closes, and gets the winners.
   *
   * @returns What it did and learned. Acknowledged bets stand before the close, since an answer that left a
   * server before the close may arrive after it.
   */
  async run(): Promise<AgencyEvent[]> {
    const [closed] = await Promise.all([this.#close(), this.#sendUntilDoubt()]);
    return [...this.#sent, ...closed, await this.#winners()];
  }

  /** Sends batch after batch, until one is refused or has no answer. */
  async #sendUntilDoubt(): Promise<void> {
    const { agency, random } = this.#options;
    for (let from = 0; from < BETS_MAX;) {
      const to = from + 1 + random.below(BATCH_BETS_MAX);
      this.#sent.push({ type: "sent", agency, from, to });
      try {
        using connection = await this.#connect();
        const packet = batchPacket(agency, from, to);
        if (await connection.ask(packet, decodeStoreResponse) !== STORED) return;
      } catch (error) {
        if (error instanceof ConnectionError) return;
        throw error;
      }
      this.#sent.push({ type: "stored", agency, from, to });
      from = to;
    }
  }

  async #close(): Promise<AgencyEvent[]> {
    const { agency, random, storedBytes } = this.#options;
    await pause(random.below(CLOSE_MS_MAX));
    const packets = new Uint8Array([
      ...encodeAgencyRequest("AgencyClose", agency),
      ...encodeAgencyRequest("ProgressRequest", agency),
    ]);
    const bets = await this.#insist((connection) =>
      connection.ask(packets, decodeProgressResponse)
    );
    return [
      { type: "close sent", agency },
      { type: "closed", agency, fileSize: storedBytes() },
      { type: "progress", agency, bets },
    ];
  }

  async #winners(): Promise<AgencyEvent> {
    const { agency, winnersTimeoutMs: timeoutMs } = this.#options;
    const request = encodeAgencyRequest("WinnersRequest", agency);
    const limits = { timeoutMs, bytesMax: WINNERS_BYTES_MAX };
    const documents = await this.#insist((connection) =>
      connection.ask(request, decodeWinnersResponse, limits)
    );
    return { type: "winners", agency, documents, server: "a server" };
  }

  /** Does `work` on new connections until one of them works. */
  async #insist<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        using connection = await this.#connect();
        return await work(connection);
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
