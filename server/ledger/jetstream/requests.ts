/**
 * Requests and their answers, for messages that are published thousands of times a second. The client's own request
 * function creates an error with a stack for every request, even if it is answered, which took a seventh of a
 * server's time.
 *
 * @module
 */

import {
  createInbox,
  errors,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from "@nats-io/transport-node";

import { Deadlines } from "./deadlines.ts";

const NO_RESPONDERS = 503;

/** What to send. */
export interface Request {
  subject: string;
  headers: MsgHdrs;
  body: Uint8Array;
  /** Longest wait for the answer, or for the next answer of its line. */
  timeoutMs: number;
  line: Line;
}

/**
 * Requests that one leader answers in the order in which they were sent. While it still answers earlier ones, a later
 * one is not lost, but has to wait.
 */
export class Line {
  #sent = 0;
  #answered = 0;
  #answeredAt = -Infinity;

  /** Takes note of a request. Returns its number. */
  noteSent(): number {
    return ++this.#sent;
  }

  /** Takes note of the answer to a request. */
  noteAnswered(number: number, nowMs: number): void {
    this.#answered = Math.max(this.#answered, number);
    this.#answeredAt = nowMs;
  }

  /** The time until which a request may still be answered in its turn. */
  lastsUntil(number: number, timeoutMs: number): number {
    return number < this.#answered ? -Infinity : this.#answeredAt + timeoutMs;
  }
}

/** Takes the answer to a request. */
type Receive = (answer: Msg) => void;

/** The requests of one connection. They share one subscription, which lasts as long as the connection. */
export class Requests {
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Receive>();
  readonly #now: () => number;
  readonly #deadlines: Deadlines;
  #sent = 0;

  /** @param now A monotonic clock, in milliseconds. */
  constructor(connection: NatsConnection, now: () => number = () => performance.now()) {
    this.#connection = connection;
    this.#now = now;
    this.#deadlines = new Deadlines(now);
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => this.#waiting.get(message?.subject)?.(message),
    });
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @throws {errors.TimeoutError} If there is none in time.
   * @throws {errors.NoRespondersError} If nobody receives what is sent to this subject.
   * @throws {errors.InvalidArgumentError} If it is too large. Nothing was sent.
   */
  async send({ subject, headers, body, timeoutMs, line }: Request): Promise<Msg> {
    const reply = `${this.#inbox}.${this.#sent++}`;
    const number = line.noteSent();
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const onOver = () => {
      deadline.atMs = line.lastsUntil(number, timeoutMs);
      if (deadline.atMs > this.#now()) this.#deadlines.add(deadline);
      else reject(new errors.TimeoutError());
    };
    const deadline = { atMs: this.#now() + timeoutMs, onOver };
    this.#deadlines.add(deadline);
    this.#waiting.set(reply, (answer) => {
      const isMissing = answer.data.length === 0 && answer.headers?.code === NO_RESPONDERS;
      if (isMissing) return reject(new errors.NoRespondersError(subject));
      line.noteAnswered(number, this.#now());
      resolve(answer);
    });
    try {
      this.#connection.publish(subject, body, { headers, reply });
      return await promise;
    } finally {
      this.#deadlines.delete(deadline);
      this.#waiting.delete(reply);
    }
  }
}
