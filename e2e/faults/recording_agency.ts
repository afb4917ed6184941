/**
 * An agency that records everything: it sends made bets while it has an allowance, survives every
 * fault of servers and network, and adds each request and each answer to the history.
 *
 * @module
 */

import type { History } from "./history.ts";
import { LineConnection } from "../../testing/line_connection.ts";
import type { Address } from "../../testing/ports.ts";
import { batchPacket } from "./made_bets.ts";
import type { Random } from "../../testing/random.ts";

/**
 * Pause between two attempts to connect, so that a dead server is not dialled a thousand times a
 * second.
 */
const RETRY_MS = 20;
/** The draw waits for the slowest agency. */
const WINNERS_TIMEOUT_MS = 120_000;

/** How many batches an agency may still send. */
export class Allowance {
  #left = 0;
  #hasEnded = false;
  #wake: () => void = () => {};

  /** Allows `count` more. */
  grant(count: number): void {
    this.#left += count;
    this.#wake();
  }

  /** Allows no more until the next grant, whatever is left. */
  hold(): void {
    this.#left = 0;
  }

  /** Allows no more, whatever is left. */
  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Waits for one and takes it; returns false if the allowance has ended. */
  async take(): Promise<boolean> {
    while (this.#left === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#hasEnded) return false;
    this.#left--;
    return true;
  }
}

/**
 * How an agency learns what is stored when it connects. Ours asks on the connection on which it
 * will send. The other habits are those of foreign agencies, and serve as controls:
 *
 * - `asks apart`: asks on another connection, so that the server cannot know what the agency knows
 * - `never asks`: sends again whatever was not acknowledged
 */
export type ProgressHabit = "asks" | "asks apart" | "never asks";

/** Options of {@linkcode RecordingAgency}. */
export interface RecordingAgencyOptions {
  agency: number;
  history: History;
  random: Random;
  /** Returns where to connect next. */
  address: () => Address;
  /** Longest wait for an answer. */
  answerMs: number;
  batchBetsMin: number;
  batchBetsMax: number;
  /** Pause after each acknowledged batch, in milliseconds. @default {0} */
  pauseMs?: number;
  /** Returns the size of bets.csv. */
  fileSize: () => number;
  /** @default {"asks"} */
  progress?: ProgressHabit;
}

/** One agency. */
export class RecordingAgency {
  readonly allowance: Allowance = new Allowance();
  /** How often a connection or a request has failed. */
  failures = 0;
  readonly #options: RecordingAgencyOptions;
  #mayStore = false;
  /** Bets acknowledged. */
  #acknowledged = 0;
  #isAborted = false;
  #connection: LineConnection | undefined;

  constructor(options: RecordingAgencyOptions) {
    this.#options = options;
  }

  /** Sends, closes and asks for winners, over as many connections as it takes. */
  async run(): Promise<void> {
    while (!this.#isAborted) {
      try {
        return await this.#converse();
      } catch {
        // The history has all that happened. Connect again.
        this.failures++;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      } finally {
        this.#connection?.close();
      }
    }
  }

  /** Closes the current connection; the agency opens another. */
  hangUp(): void {
    this.#connection?.close();
  }

  /** Gives up. */
  abort(): void {
    this.#isAborted = true;
    this.allowance.end();
    this.hangUp();
  }

  async #converse(): Promise<void> {
    const { agency, history, address, fileSize } = this.#options;
    const target = address();
    const connection = this.#connection = await LineConnection.open(target);
    let stored = await this.#stored(connection);
    while (await this.#isAllowed()) {
      stored = await this.#storeBatch(connection, stored);
      await this.#rest();
    }
    if (this.#isAborted) return;
    history.add({ type: "close sent", agency });
    await connection.send(`AgencyClose:${agency}\n`);
    // A close has no answer. The answer to a later request on the same connection confirms it.
    await this.#progress(connection);
    history.add({ type: "closed", agency, fileSize: fileSize() });
    await this.#tryLateBet(connection, stored);
    await askWinners({ agency, history, server: `${target.hostname}:${target.port}`, connection });
  }

  /** Waits until a batch may be sent. A batch whose connection broke may be sent again. */
  async #isAllowed(): Promise<boolean> {
    this.#mayStore ||= await this.allowance.take();
    return this.#mayStore && !this.#isAborted;
  }

  async #rest(): Promise<void> {
    const { pauseMs = 0 } = this.#options;
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }

  async #storeBatch(connection: LineConnection, from: number): Promise<number> {
    const { agency, history, random, answerMs, batchBetsMin, batchBetsMax } = this.#options;
    const to = from + random.integer(batchBetsMin, batchBetsMax);
    history.add({ type: "sent", agency, from, to });
    const answer = await connection.ask(batchPacket(agency, from, to), answerMs);
    if (answer === "StoreResponse:0") {
      history.add({ type: "stored", agency, from, to });
      this.#mayStore = false;
      this.#acknowledged = to;
      return to;
    }
    history.add({ type: "refused", agency, from, to });
    throw new Error(`refused: ${answer}`);
  }

  async #progress(connection: LineConnection): Promise<number> {
    const { agency, history, answerMs } = this.#options;
    const answer = await connection.ask(`ProgressRequest:${agency}\n`, answerMs);
    const bets = Number(/^ProgressResponse:(\d+)$/.exec(answer)?.[1]);
    if (Number.isNaN(bets)) throw new Error(`not a ProgressResponse: ${answer}`);
    history.add({ type: "progress", agency, bets });
    return bets;
  }

  /** Returns how many bets are stored, as far as this agency's habit lets it know. */
  async #stored(connection: LineConnection): Promise<number> {
    const { progress = "asks", address } = this.#options;
    if (progress === "never asks") return this.#acknowledged;
    if (progress === "asks") return await this.#progress(connection);
    using other = await LineConnection.open(address());
    return await this.#progress(other);
  }

  /** Sends a bet after the close. The checker would find it stored or acknowledged. */
  async #tryLateBet(connection: LineConnection, stored: number): Promise<void> {
    const { agency, history, answerMs } = this.#options;
    const bets = { agency, from: stored, to: stored + 1 };
    const answer = await connection.ask(batchPacket(agency, stored, stored + 1), answerMs);
    history.add({ type: answer === "StoreResponse:0" ? "stored" : "refused", ...bets });
  }
}

/** Asks for an agency's winners, and records the answer. */
export async function askWinners(options: {
  agency: number;
  history: History;
  /** The server's name in the history. */
  server: string;
  connection: LineConnection;
}): Promise<void> {
  const { agency, history, server, connection } = options;
  const answer = await connection.ask(`WinnersRequest:${agency}\n`, WINNERS_TIMEOUT_MS);
  const match = /^WinnersResponse:(.*)$/.exec(answer);
  if (match === null) throw new Error(`not a WinnersResponse: ${answer}`);
  const documents = match[1] === "" ? [] : match[1].split(";");
  history.add({ type: "winners", agency, documents, server });
}
