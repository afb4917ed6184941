/**
 * Requests and their answers, for messages that are published thousands of times a second. The client's own
 * requests make an error with its stack for each, also for those that are answered: a seventh of what a
 * server spent.
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

const NO_RESPONDERS = 503;

/** What to send. */
export interface Request {
  subject: string;
  headers: MsgHdrs;
  body: Uint8Array;
  /** Longest wait for the answer. */
  timeoutMs: number;
}

/** Takes the answer to a request. */
type Receive = (answer: Msg) => void;

/** The requests of one connection. They share one subscription, which lasts as long as the connection. */
export class Requests {
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Receive>();
  #sent = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
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
  async send({ subject, headers, body, timeoutMs }: Request): Promise<Msg> {
    const reply = `${this.#inbox}.${this.#sent++}`;
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const timer = setTimeout(() => reject(new errors.TimeoutError()), timeoutMs);
    this.#waiting.set(reply, (answer) => {
      const isMissing = answer.data.length === 0 && answer.headers?.code === NO_RESPONDERS;
      if (isMissing) reject(new errors.NoRespondersError(subject));
      else resolve(answer);
    });
    try {
      this.#connection.publish(subject, body, { headers, reply });
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(reply);
    }
  }
}
