/**
 * An agency of the harness. It sends made bets for as long as it is allowed to, outlives every fault of
 * servers and network, and writes down each operation and each answer.
 *
 * @module
 */

import type { History } from "./history.ts";
import { LineConnection } from "../../testing/line_connection.ts";
import type { Address } from "../../testing/ports.ts";
import { batchPacket } from "./made_bets.ts";
import type { Random } from "../../testing/random.ts";

/** Rest between two tries, so that a server that is down is not asked a thousand times a second. */
const RETRY_MS = 20;
/** The draw waits for the slowest agency. */
const WINNERS_DEADLINE_MS = 120_000;

/** How many batches an agency may still send. */
export class Allowance {
  #left = 0;
  #isEnded = false;
  #wake: () => void = () => {};

  /** Allows `count` more. */
  grant(count: number): void {
    this.#left += count;
    this.#wake();
  }

  /** No more are coming: what is left does not count. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Waits for one and takes it; returns whether there was one before the end. */
  async take(): Promise<boolean> {
    while (this.#left === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#isEnded) return false;
    this.#left--;
    return true;
  }
}

/**
 * How an agency learns what is stored, when it connects. Ours asks. The others are what agencies may do
 * that are not ours, and the controls of the tests:
 *
 * - `asks apart`: on another connection than the one that stores, so that the server cannot know what the
 *   agency knows
 * - `never asks`: it sends again what was not acknowledged
 */
export type ProgressHabit = "asks" | "asks apart" | "never asks";

/** Options of {@linkcode RecordingAgency}. */
export interface RecordingAgencyOptions {
  agency: number;
  history: History;
  random: Random;
  /** Where to connect to next. */
  address: () => Address;
  /** How long to wait for an answer. */
  answerMs: number;
  batchBetsMax: number;
  /** Size of bets.csv now. */
  fileSize: () => number;
  /** @default {"asks"} */
  progress?: ProgressHabit;
}

/** One agency. */
export class RecordingAgency {
  readonly allowance: Allowance = new Allowance();
  readonly #options: RecordingAgencyOptions;
  #mayStore = false;
  /** Bets acknowledged. */
  #acknowledged = 0;
  #isAborted = false;
  #connection: LineConnection | undefined;

  constructor(options: RecordingAgencyOptions) {
    this.#options = options;
  }

  /** Sends, closes and asks for winners, whatever happens meanwhile. */
  async run(): Promise<void> {
    while (!this.#isAborted) {
      try {
        return await this.#converse();
      } catch {
        // Whatever it was, all of it is in the history already; begin again.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      } finally {
        this.#connection?.close();
      }
    }
  }

  /** Ends the connection that it has; it makes another. */
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
    while (await this.#isAllowed()) stored = await this.#storeBatch(connection, stored);
    if (this.#isAborted) return;
    history.add({ type: "close sent", agency });
    await connection.send(`AgencyClose:${agency}\n`);
    // A close has no answer. What comes behind it on the same connection is answered after it.
    await this.#progress(connection);
    history.add({ type: "closed", agency, fileSize: fileSize() });
    await this.#tryLateBet(connection, stored);
    await askWinners({ agency, history, server: `${target.hostname}:${target.port}`, connection });
  }

  /** One batch may be sent. It still may if its connection broke: then it is sent again. */
  async #isAllowed(): Promise<boolean> {
    this.#mayStore ||= await this.allowance.take();
    return this.#mayStore && !this.#isAborted;
  }

  async #storeBatch(connection: LineConnection, from: number): Promise<number> {
    const { agency, history, random, answerMs, batchBetsMax } = this.#options;
    const to = from + random.integer(1, batchBetsMax);
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
    if (Number.isNaN(bets)) throw new Error(`no progress: ${answer}`);
    history.add({ type: "progress", agency, bets });
    return bets;
  }

  /** How many bets are stored, as far as this agency cares to know. */
  async #stored(connection: LineConnection): Promise<number> {
    const { progress = "asks", address } = this.#options;
    if (progress === "never asks") return this.#acknowledged;
    if (progress === "asks") return await this.#progress(connection);
    using other = await LineConnection.open(address());
    return await this.#progress(other);
  }

  /** A bet behind the close. The checker would find it, and its acknowledgement. */
  async #tryLateBet(connection: LineConnection, stored: number): Promise<void> {
    const { agency, history, answerMs } = this.#options;
    const bets = { agency, from: stored, to: stored + 1 };
    const answer = await connection.ask(batchPacket(agency, stored, stored + 1), answerMs);
    history.add({ type: answer === "StoreResponse:0" ? "stored" : "refused", ...bets });
  }
}

/** Asks for an agency's winners and writes down the answer. */
export async function askWinners(options: {
  agency: number;
  history: History;
  /** The server's name in the history. */
  server: string;
  connection: LineConnection;
}): Promise<void> {
  const { agency, history, server, connection } = options;
  const answer = await connection.ask(`WinnersRequest:${agency}\n`, WINNERS_DEADLINE_MS);
  const match = /^WinnersResponse:(.*)$/.exec(answer);
  if (match === null) throw new Error(`no winners: ${answer}`);
  const documents = match[1] === "" ? [] : match[1].split(";");
  history.add({ type: "winners", agency, documents, server });
}
