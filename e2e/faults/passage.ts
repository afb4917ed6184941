/**
 * One connection through the proxy, and the fault that strikes it.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import type { Random } from "../../testing/random.ts";

/** What the proxy can do to a connection. */
export const PROXY_FAULTS = [
  /** Closes it after half of a request. */
  "cut in request",
  /** Closes it after a whole request, without waiting for the answer. */
  "cut after request",
  /** Closes it when the answer arrives, without forwarding it. */
  "cut before answer",
  /** Closes it after half of an answer. */
  "cut in answer",
  /** Delays everything from some request on. */
  "delay",
  /** Forwards one byte at a time from some request on. */
  "single bytes",
  /** Forwards nothing from some request on, and leaves the connection open. */
  "black hole",
] as const;
/** One of {@linkcode PROXY_FAULTS}. */
export type ProxyFault = (typeof PROXY_FAULTS)[number];

/** A fault strikes at one of the first requests of a connection. */
const STRIKE_WITHIN = 6;
/**
 * A connection with a fault ends after this many requests, so that the next fault gets its turn.
 */
const REQUESTS_MAX = 10;
const DELAY_MS_MAX = 40;
/** Further bytes of a piece are forwarded together: the rest of a packet shows nothing new. */
const SINGLE_BYTES_MAX = 600;

/** Options of {@linkcode Passage}. */
export interface PassageOptions {
  client: Deno.TcpConn;
  server: Deno.TcpConn;
  /** The fault that strikes it; none if it is to work. */
  fault: ProxyFault | undefined;
  random: Random;
  /** Waits `delayMs`. */
  delay: (delayMs: number) => Promise<void>;
  /** Called when the fault strikes. */
  onStrike: (fault: ProxyFault) => void;
  /** Called after a whole line of the server has been forwarded. */
  onAnswer: () => void;
  /** Rewrites a line of the server, or a piece of one. */
  rewrite: (piece: Uint8Array) => Uint8Array;
}

/** A client's connection and the server's that it leads to. */
export class Passage {
  readonly #options: PassageOptions;
  /** The request, counted from 1, at which the fault strikes. */
  readonly #strikeAt: number;
  #hasStruck = false;

  constructor(options: PassageOptions) {
    this.#options = options;
    this.#strikeAt = options.random.integer(1, STRIKE_WITHIN);
  }

  /**
   * Forwards both directions until both have ended. Throws if either breaks, or the fault cuts it.
   */
  async run(): Promise<void> {
    await Promise.all([this.#forwardRequests(), this.#forwardAnswers()]);
  }

  async #forwardRequests(): Promise<void> {
    const { client, server, fault } = this.#options;
    let request = 1;
    for await (const piece of linePieces(client)) {
      if (fault !== undefined && request > REQUESTS_MAX) {
        throw new Error("the next connection's turn");
      }
      if (request === this.#strikeAt && fault === "cut in request") {
        await writeAll(server, piece.subarray(0, Math.ceil(piece.length / 2)));
        this.#cut();
      }
      await this.#forward(piece, server, request);
      if (!endsLine(piece)) continue;
      if (request === this.#strikeAt && fault === "cut after request") this.#cut();
      request++;
    }
    await server.closeWrite();
  }

  async #forwardAnswers(): Promise<void> {
    const { client, server, fault, rewrite, onAnswer } = this.#options;
    let answer = 1;
    for await (const original of linePieces(server)) {
      const piece = rewrite(original);
      if (answer === this.#strikeAt && fault === "cut before answer") this.#cut();
      if (answer === this.#strikeAt && fault === "cut in answer") {
        await writeAll(client, piece.subarray(0, Math.floor(piece.length / 2)));
        this.#cut();
      }
      await this.#forward(piece, client, answer);
      if (!endsLine(piece)) continue;
      answer++;
      onAnswer();
    }
    await client.closeWrite();
  }

  /** Forwards a piece of line number `line`, slowly or not at all if the fault says so. */
  async #forward(piece: Uint8Array, to: Deno.TcpConn, line: number): Promise<void> {
    const { fault, random, delay } = this.#options;
    if (line < this.#strikeAt) return await writeAll(to, piece);
    switch (fault) {
      case "black hole":
        return this.#strike();
      case "delay":
        this.#strike();
        await delay(random.integer(1, DELAY_MS_MAX));
        return await writeAll(to, piece);
      case "single bytes":
        this.#strike();
        return await writeSingly(to, piece);
      default:
        return await writeAll(to, piece);
    }
  }

  #strike(): void {
    const { fault, onStrike } = this.#options;
    if (this.#hasStruck || fault === undefined) return;
    this.#hasStruck = true;
    onStrike(fault);
  }

  #cut(): never {
    this.#strike();
    throw new Error("cut");
  }
}

/** Yields the bytes of a connection, split after each newline. */
async function* linePieces(connection: Deno.TcpConn): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024);
  for (;;) {
    const count = await connection.read(chunk);
    if (count === null) return;
    for (let from = 0; from < count;) {
      const end = chunk.subarray(0, count).indexOf(LINE_FEED, from);
      const to = end < 0 ? count : end + 1;
      yield chunk.slice(from, to);
      from = to;
    }
  }
}

function endsLine(piece: Uint8Array): boolean {
  return piece.at(-1) === LINE_FEED;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function writeSingly(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  const single = Math.min(bytes.length, SINGLE_BYTES_MAX);
  for (let at = 0; at < single; at++) await writeAll(connection, bytes.subarray(at, at + 1));
  await writeAll(connection, bytes.subarray(single));
}
