/**
 * Requests messages from a consumer, one request at a time.
 *
 * @module
 */

import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";

/** Status codes by which a node ends a request. */
const [NO_MESSAGES, TIMEOUT, CONFLICT] = [404, 408, 409];
/** A conflict that only means that the next message does not fit into this request. */
const NEXT_DOES_NOT_FIT = /maxbytes|batch completed/i;

/** A request for messages, as JetStream takes it. */
export interface PullOptions {
  /** Most messages. */
  batch: number;
  /** Most bytes of all of them, as JetStream counts them. */
  max_bytes?: number;
  /** Returns what is there, without waiting. */
  no_wait?: boolean;
  /** Longest wait for the messages, in nanoseconds. */
  expires?: number;
}

/** A message of a stream. */
export interface PulledMessage {
  subject: string;
  /** Its sequence in the stream. */
  seq: number;
  headers?: MsgHdrs;
  data: Uint8Array;
}

/** The result of a request. */
export interface Pulled {
  messages: PulledMessage[];
  /** Whether more may be available already. */
  isFull: boolean;
}

/** The request in hand. */
interface Request {
  batch: number;
  messages: PulledMessage[];
  resolve: (pulled: Pulled) => void;
  reject: (error: Error) => void;
}

/** Requests of one consumer. Disposing of it ends the one in hand. */
export class Puller implements Disposable {
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  #request: Request | undefined;

  constructor(connection: NatsConnection, { stream, name }: { stream: string; name: string }) {
    this.#connection = connection;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`;
    const callback = (error: Error | null, message: Msg) => {
      if (error !== null) this.fail(error);
      else this.#receive(message);
    };
    this.#subscription = connection.subscribe(this.#inbox, { callback });
  }

  /**
   * Requests messages.
   *
   * @param silenceMs Longest wait for the next message, or for the end.
   * @throws If the consumer cannot deliver any, or is silent for too long. It is of no more use then.
   */
  async pull(options: PullOptions, silenceMs: number): Promise<Pulled> {
    const { promise, resolve, reject } = Promise.withResolvers<Pulled>();
    const request = { batch: options.batch, messages: [], resolve, reject };
    this.#request = request;
    let counted = -1;
    const watch = setInterval(() => {
      if (request.messages.length === counted) this.fail(new Error("the consumer is silent"));
      counted = request.messages.length;
    }, silenceMs / 2);
    try {
      this.#connection.publish(this.#subject, JSON.stringify(options), { reply: this.#inbox });
      return await promise;
    } finally {
      clearInterval(watch);
      this.#request = undefined;
    }
  }

  /** Ends the request in hand. */
  fail(error: Error): void {
    this.#request?.reject(error);
  }

  [Symbol.dispose](): void {
    this.fail(new Error("the consumer is given up"));
    this.#subscription.unsubscribe();
  }

  #receive(message: Msg): void {
    const request = this.#request;
    if (request === undefined) return;
    if (message.subject === this.#inbox) return this.#end(request, message);
    const { subject, reply, headers, data } = message;
    request.messages.push({ subject, seq: sequenceOf(reply), headers, data });
    const isFull = request.messages.length === request.batch;
    if (isFull) request.resolve({ messages: request.messages, isFull });
  }

  #end({ messages, resolve, reject }: Request, { headers }: Msg): void {
    const [code = 0, description = ""] = [headers?.code, headers?.description];
    if (code === NO_MESSAGES || code === TIMEOUT) resolve({ messages, isFull: false });
    else if (code === CONFLICT && NEXT_DOES_NOT_FIT.test(description) && messages.length > 0) {
      resolve({ messages, isFull: true });
    } else reject(new Error(`the consumer fails: ${code} ${description}`));
  }
}

/**
 * The sequence of a message, which is in the subject of its acknowledgement:
 * `$JS.ACK.STREAM.CONSUMER.deliveries.SEQUENCE.…`. Newer nodes name a domain and an account before the stream.
 */
function sequenceOf(reply = ""): number {
  const parts = reply.split(".");
  return Number(parts[parts.length === 9 ? 5 : 7]);
}
