/**
 * A connection to a NATS server, for tests that look at streams or break a rule on purpose. It
 * shares no code with the ledger and its client library, so that it cannot repeat their mistakes.
 *
 * @module
 */

import { withDeadline } from "../shared/deadline.ts";
import type { Address } from "./ports.ts";

/** Longest wait for an answer, unless the caller says otherwise. */
const TIMEOUT_MS = 10_000;
const READ_BYTES = 64 * 1024;
const LINE_END_BYTES = 2;

/** Options of {@linkcode NatsConnection.request}. */
export interface RequestOptions {
  /** Headers by name. @default {none} */
  headers?: Record<string, string>;
  /** Longest wait for the answer. @default {10_000} */
  timeoutMs?: number;
}

/** The answer to a request. */
export interface NatsAnswer {
  /** The lines of the header as they came; empty if there is none. */
  header: string;
  data: Uint8Array;
}

/** What waits for an answer. */
interface Waiter {
  resolve: (answer: NatsAnswer) => void;
  reject: (error: Error) => void;
}

/** A connection without TLS and without a user. */
export class NatsConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  /** Answers to other connections of this cluster must not arrive here. */
  readonly #inbox = `_INBOX.${crypto.randomUUID()}`;
  readonly #waiters = new Map<string, Waiter>();
  #received = new Uint8Array();
  #requests = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects. */
  static async open(address: Address): Promise<NatsConnection> {
    const connection = new NatsConnection(await Deno.connect(address));
    const options = { verbose: false, pedantic: false, headers: true, no_responders: true };
    connection.#send([`CONNECT ${JSON.stringify(options)}\r\nSUB ${connection.#inbox}.* 1\r\n`]);
    connection.#receiveAll();
    return connection;
  }

  /**
   * Publishes to a subject and waits for the answer.
   *
   * @throws {Error} If nobody listens to the subject, the connection ends, or `timeoutMs` pass.
   */
  async request(
    subject: string,
    payload: Uint8Array | string = "",
    { headers, timeoutMs = TIMEOUT_MS }: RequestOptions = {},
  ): Promise<NatsAnswer> {
    if (this.#isClosed) throw new Error("the connection is closed");
    const id = String(++this.#requests);
    const { promise, resolve, reject } = Promise.withResolvers<NatsAnswer>();
    this.#waiters.set(id, { resolve, reject });
    this.#send(encodePublish({ subject, reply: `${this.#inbox}.${id}`, payload, headers }));
    const error = () => new Error(`no answer to ${subject} within ${timeoutMs} ms`);
    try {
      const answer = await withDeadline(promise, { timeoutMs, error });
      if (answer.header.startsWith("NATS/1.0 503")) throw new Error(`nobody answers ${subject}`);
      return answer;
    } finally {
      this.#waiters.delete(id);
    }
  }

  /** The same, with an answer in JSON. */
  async requestJson(
    subject: string,
    payload?: unknown,
    options?: RequestOptions,
    // deno-lint-ignore no-explicit-any
  ): Promise<any> {
    const text = payload === undefined ? "" : JSON.stringify(payload);
    const { data } = await this.request(subject, text, options);
    return JSON.parse(new TextDecoder().decode(data));
  }

  /** Closes the connection, unless it is closed already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
    for (const { reject } of this.#waiters.values()) reject(new Error("the connection has ended"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Writes after whatever is being written. A failure ends the connection. */
  #send(parts: (Uint8Array | string)[]): void {
    this.#writing = this.#writing.then(async () => {
      for (const part of parts) {
        const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
        for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
      }
    }).catch(() => this.close());
  }

  async #receiveAll(): Promise<void> {
    try {
      for (;;) await this.#receive();
    } catch {
      this.close();
    }
  }

  async #receive(): Promise<void> {
    const line = await this.#line();
    const [operation, subject, ...rest] = line.split(/\s+/);
    switch (operation) {
      case "PING":
        return this.#send(["PONG\r\n"]);
      case "MSG":
      case "HMSG": {
        const size = Number(rest.at(-1));
        const headerSize = operation === "HMSG" ? Number(rest.at(-2)) : 0;
        const bytes = await this.#take(size + LINE_END_BYTES);
        const header = new TextDecoder().decode(bytes.subarray(0, headerSize));
        const data = bytes.slice(headerSize, size);
        return this.#waiters.get(subject.slice(this.#inbox.length + 1))?.resolve({ header, data });
      }
      default:
        // INFO, PONG, +OK and -ERR; after an error that matters, the server ends the connection.
        return;
    }
  }

  /** Returns the next line without its end. */
  async #line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf(10);
      if (end >= 0) return new TextDecoder().decode(await this.#take(end + 1)).trimEnd();
      await this.#read();
    }
  }

  /** Returns the next `count` bytes. */
  async #take(count: number): Promise<Uint8Array> {
    while (this.#received.length < count) await this.#read();
    const bytes = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return bytes;
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(READ_BYTES);
    const count = await this.#connection.read(bytes);
    if (count === null) throw new Error("the connection has ended");
    const joined = new Uint8Array(this.#received.length + count);
    joined.set(this.#received);
    joined.set(bytes.subarray(0, count), this.#received.length);
    this.#received = joined;
  }
}

/** Returns the parts of a PUB, or of an HPUB if there are headers. */
function encodePublish({ subject, reply, payload, headers }: {
  subject: string;
  reply: string;
  payload: Uint8Array | string;
  headers?: Record<string, string>;
}): (Uint8Array | string)[] {
  const body = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  if (headers === undefined) return [`PUB ${subject} ${reply} ${body.length}\r\n`, body, "\r\n"];
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const header = new TextEncoder().encode(`NATS/1.0\r\n${lines.join("")}\r\n`);
  const sizes = `${header.length} ${header.length + body.length}`;
  return [`HPUB ${subject} ${reply} ${sizes}\r\n`, header, body, "\r\n"];
}
