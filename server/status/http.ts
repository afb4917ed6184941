/**
 * Answers HTTP requests that are cheap to answer, at a cost that its clients cannot raise.
 *
 * `Deno.serve` limits neither connections nor the time that a client takes. Here a client has five seconds for
 * all of a request and its answer, 32 have a connection at a time (one more ends the eldest), a request has at
 * most 8 KiB, and at most 100 are answered in a second; the others wait in the kernel. A connection carries one
 * request.
 *
 * @module
 */

import { pause } from "../../shared/pause.ts";
import { type Connection, enter } from "../transport/entrance.ts";
import { type ListenAddress, type Listener, listenTcp } from "../transport/listener.ts";

/** A request: its method, its path without the query, and what it accepts. */
export interface HttpRequest {
  method: string;
  path: string;
  /** The header `Accept`; empty without one. */
  accept: string;
}

/** An answer. */
export interface HttpAnswer {
  status: number;
  /** The media type. */
  type: string;
  body: Uint8Array;
}

/** The limits of an {@linkcode HttpServer}. */
export const HTTP_LIMITS = {
  connectionsMax: 32,
  requestsPerSecondMax: 100,
  headBytesMax: 8192,
  deadlineMs: 5000,
};

/** Pause after a connection could not be accepted. */
const ACCEPT_PAUSE_MS = 100;
/** Most bytes that are read after the answer, so that it reaches a client that sends on. */
const REST_BYTES_MAX = 64 * 1024;
const BACKLOG = 64;
const PHRASES: Record<number, string> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Options of {@linkcode HttpServer}. */
export interface HttpServerOptions {
  hostname: string;
  /** 0 for any free port. */
  port: number;
  /** Opens the listening socket. @default {over plain TCP} */
  listen?: (address: ListenAddress) => Listener;
  /** Whether it is one over TLS. @default {false} */
  isTls?: boolean;
  /** Answers a request for GET; must not wait. */
  answer: (request: HttpRequest) => HttpAnswer;
  /** @default {HTTP_LIMITS} */
  limits?: Partial<typeof HTTP_LIMITS>;
}

/** A small HTTP/1.1 server. */
export class HttpServer implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #isTls: boolean;
  readonly #answer: (request: HttpRequest) => HttpAnswer;
  readonly #limits: typeof HTTP_LIMITS;
  /** The connections, the eldest first. */
  readonly #open = new Map<Connection, Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #stopping = new AbortController();

  /** Listens and answers until it is disposed of. @throws If the address cannot be bound. */
  constructor(options: HttpServerOptions) {
    const { hostname, port, listen = listenTcp, isTls = false, answer, limits } = options;
    this.#answer = answer;
    this.#isTls = isTls;
    this.#limits = { ...HTTP_LIMITS, ...limits };
    this.#listener = listen({ hostname, port, tcpBacklog: BACKLOG });
    this.#accepting = this.#accept();
  }

  /** The port it listens on. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#open.keys()) close(connection);
    await Promise.all(this.#open.values());
  }

  async #accept(): Promise<void> {
    const { connectionsMax, requestsPerSecondMax } = this.#limits;
    let [startMs, accepted] = [performance.now(), 0];
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const accepted = await this.#listener.accept();
        const connection = enter(accepted, { isTls: this.#isTls, onRefused: () => {} });
        if (this.#open.size >= connectionsMax) this.#endEldest();
        this.#open.set(connection, this.#serve(connection));
      } catch {
        await pause(ACCEPT_PAUSE_MS, signal);
      }
      const leftMs = startMs + 1000 - performance.now();
      if (++accepted < requestsPerSecondMax && leftMs > 0) continue;
      if (accepted >= requestsPerSecondMax) await pause(leftMs, signal);
      [startMs, accepted] = [performance.now(), 0];
    }
  }

  #endEldest(): void {
    const [eldest] = this.#open.keys();
    this.#open.delete(eldest);
    close(eldest);
  }

  async #serve(connection: Connection): Promise<void> {
    const timer = setTimeout(() => close(connection), this.#limits.deadlineMs);
    try {
      await this.#converse(connection);
    } catch {
      // The client is gone, or its time is up.
    } finally {
      clearTimeout(timer);
      close(connection);
      this.#open.delete(connection);
    }
  }

  async #converse(connection: Connection): Promise<void> {
    const head = await readHead(connection, this.#limits.headBytesMax);
    if (head === undefined) return;
    const bytes = this.#answerTo(head);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
    // A connection that is closed with unread bytes takes its answer with it.
    const rest = new Uint8Array(4096);
    for (let count = 0; count < REST_BYTES_MAX;) {
      const length = await connection.read(rest);
      if (length === null) return;
      count += length;
    }
  }

  #answerTo(head: string | "too long"): Uint8Array {
    if (head === "too long") return format(textAnswer(431, "the request is too long\n"));
    const request = parseHead(head);
    if (request === undefined) return format(textAnswer(400, "this is not an HTTP request\n"));
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") {
      return format(textAnswer(405, "only GET and HEAD are allowed\n"), { allow: "GET, HEAD" });
    }
    return format(this.#answer(request), { isHead: method === "HEAD" });
  }
}

/** Returns an answer in plain text. */
export function textAnswer(status: number, text: string): HttpAnswer {
  return { status, type: "text/plain; charset=utf-8", body: new TextEncoder().encode(text) };
}

/** Reads a request up to the empty line; returns nothing if the client ends before that. */
async function readHead(connection: Connection, bytesMax: number): Promise<string | undefined> {
  const bytes = new Uint8Array(bytesMax);
  const decoder = new TextDecoder("latin1");
  for (let length = 0; length < bytesMax;) {
    const count = await connection.read(bytes.subarray(length));
    if (count === null) return undefined;
    // The empty line may have begun in what was read before.
    const from = Math.max(0, length - 3);
    length += count;
    const end = decoder.decode(bytes.subarray(from, length)).search(/\r?\n\r?\n/);
    if (end >= 0) return decoder.decode(bytes.subarray(0, from + end));
  }
  return "too long";
}

function parseHead(head: string): HttpRequest | undefined {
  const [line, ...headers] = head.split(/\r?\n/);
  const match = /^([A-Z]+) (\/[^ ?#]*)\S* HTTP\/1\.[01]$/.exec(line);
  if (match === null) return undefined;
  const accept = headers.map((header) => /^accept:(.*)$/i.exec(header)?.[1].trim());
  return { method: match[1], path: match[2], accept: accept.filter(Boolean).join(", ") };
}

function format(
  { status, type, body }: HttpAnswer,
  { allow, isHead = false }: { allow?: string; isHead?: boolean } = {},
): Uint8Array {
  const lines = [
    `HTTP/1.1 ${status} ${PHRASES[status] ?? ""}`,
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
    ...allow === undefined ? [] : [`Allow: ${allow}`],
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    "Connection: close",
  ];
  const head = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
  if (isHead) return head;
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

function close(connection: Connection): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
