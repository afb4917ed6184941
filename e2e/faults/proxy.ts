/**
 * A bad network between agency and server: a TCP proxy that breaks connections at chosen places.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import { Counter } from "./counter.ts";
import type { Address } from "../../testing/ports.ts";
import type { Random } from "../../testing/random.ts";

/** What the proxy can do to a connection, at one request of it. */
export const PROXY_FAULTS = [
  /** Ends it when half of the request has gone through. */
  "cut in request",
  /** Ends it when the whole request has gone through, and does not wait for the answer. */
  "cut after request",
  /** Ends it when the answer has come, and does not hand it on. */
  "cut before answer",
  /** Ends it when half of the answer has gone through. */
  "cut in answer",
  /** Hands everything on late, from that request on. */
  "delay",
  /** Hands on one byte at a time, from that request on. */
  "single bytes",
  /** Hands on nothing more, and leaves the connection open. */
  "black hole",
] as const;
/** One of {@linkcode PROXY_FAULTS}. */
export type ProxyFault = (typeof PROXY_FAULTS)[number];

/** A fault strikes at one of the first requests of a connection. */
const STRIKE_WITHIN = 6;
/** A connection with a fault ends after so many requests, so that the next fault gets its turn. */
const REQUESTS_MAX = 10;
const DELAY_MS_MAX = 40;
/** More single bytes than these are handed on together: the rest of a packet shows nothing new. */
const SINGLE_BYTES_MAX = 600;

/** Options of {@linkcode Proxy}. */
export interface ProxyOptions {
  random: Random;
  /** Where the next connection leads. */
  target: () => Address;
  /** What is done to the next connection; nothing if it is to work. */
  fault: () => ProxyFault | undefined;
  /** Where there is no server: ends the connection at once, and not only when it is asked something. */
  refusesAtOnce?: () => boolean;
  /** What becomes of a server's line, or of a piece of it. For controls. @default {it stays} */
  change?: (piece: Uint8Array) => Uint8Array;
}

/** A connection through the proxy. */
interface Passage {
  client: Deno.TcpConn;
  server: Deno.TcpConn;
  fault: ProxyFault | undefined;
  /** The request at which the fault strikes, counted from 1. */
  strikeAt: number;
  hasStruck: boolean;
}

/** Thrown within a passage that was cut. */
class CutError extends Error {
  override name = "CutError";
}

/** Listens on a port of its own until disposed. */
export class Proxy implements AsyncDisposable {
  /** How many faults have struck. */
  readonly struck: Counter = new Counter();
  /** The same for each fault. */
  readonly struckBy: ReadonlyMap<ProxyFault, Counter> = new Map(
    PROXY_FAULTS.map((fault) => [fault, new Counter()]),
  );
  /** How many lines of servers were handed on. */
  readonly answers: Counter = new Counter();
  /** How many connections led nowhere: taken, and closed in good order. */
  readonly refusals: Counter = new Counter();
  readonly #options: ProxyOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #work = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #delays = new Map<ReturnType<typeof setTimeout>, () => void>();

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#accepting = this.#accept();
  }

  get address(): Address {
    return { hostname: "127.0.0.1", port: this.#listener.addr.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
    for (const [timer, wake] of this.#delays) {
      clearTimeout(timer);
      wake();
    }
    await Promise.all([this.#accepting, ...this.#work]);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let client: Deno.TcpConn;
      try {
        client = await this.#listener.accept();
      } catch {
        return;
      }
      const work = this.#serve(client).finally(() => this.#work.delete(work));
      this.#work.add(work);
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let server: Deno.TcpConn | undefined;
    try {
      server = await this.#connect(client);
      this.#open.add(server);
      client.setNoDelay(true);
      server.setNoDelay(true);
      const { fault, random } = this.#options;
      const strikeAt = random.integer(1, STRIKE_WITHIN);
      const passage = { client, server, fault: fault(), strikeAt, hasStruck: false };
      await Promise.all([this.#passRequests(passage), this.#passAnswers(passage)]);
    } catch {
      // It was cut, by us or by one of its ends; both ends learn of it now.
    } finally {
      for (const connection of [client, server]) {
        if (connection === undefined) continue;
        close(connection);
        this.#open.delete(connection);
      }
    }
  }

  /** Connects to the server. Without one, the client gets an end in good order, as from a load balancer. */
  async #connect(client: Deno.TcpConn): Promise<Deno.TcpConn> {
    try {
      return await Deno.connect(this.#options.target());
    } catch (error) {
      // A socket that is closed with unread bytes in it is reset.
      if (!this.#options.refusesAtOnce?.()) await client.read(new Uint8Array(1024));
      this.refusals.add();
      throw error;
    }
  }

  async #passRequests(passage: Passage): Promise<void> {
    const { client, server, fault, strikeAt } = passage;
    let request = 1;
    for await (const piece of linePieces(client)) {
      if (fault !== undefined && request > REQUESTS_MAX) throw new CutError("enough");
      const isStruck = request === strikeAt;
      if (isStruck && fault === "cut in request") {
        await writeAll(server, piece.subarray(0, Math.ceil(piece.length / 2)));
        this.#cut(passage);
      }
      const isLast = piece.at(-1) === LINE_FEED;
      if (request >= strikeAt) await this.#passSlowly(passage, server, piece);
      else await writeAll(server, piece);
      if (isStruck && isLast && fault === "cut after request") this.#cut(passage);
      if (isLast) request++;
    }
    await server.closeWrite();
  }

  async #passAnswers(passage: Passage): Promise<void> {
    const { client, server, fault, strikeAt } = passage;
    const { change = (piece: Uint8Array) => piece } = this.#options;
    let answer = 1;
    for await (const original of linePieces(server)) {
      const piece = change(original);
      const isStruck = answer === strikeAt;
      if (isStruck && fault === "cut before answer") this.#cut(passage);
      if (isStruck && fault === "cut in answer") {
        await writeAll(client, piece.subarray(0, Math.floor(piece.length / 2)));
        this.#cut(passage);
      }
      if (answer >= strikeAt) await this.#passSlowly(passage, client, piece);
      else await writeAll(client, piece);
      if (piece.at(-1) === LINE_FEED) {
        answer++;
        this.answers.add();
      }
    }
    await client.closeWrite();
  }

  /** Hands a piece on as the faults that do not cut have it. */
  async #passSlowly(passage: Passage, to: Deno.TcpConn, piece: Uint8Array): Promise<void> {
    const { fault } = passage;
    if (fault !== "delay" && fault !== "single bytes" && fault !== "black hole") {
      return await writeAll(to, piece);
    }
    this.#strike(passage);
    if (fault === "black hole") return;
    if (fault === "delay") {
      await this.#delay(this.#options.random.integer(1, DELAY_MS_MAX));
      return await writeAll(to, piece);
    }
    const single = Math.min(piece.length, SINGLE_BYTES_MAX);
    for (let at = 0; at < single; at++) await writeAll(to, piece.subarray(at, at + 1));
    await writeAll(to, piece.subarray(single));
  }

  #strike(passage: Passage): void {
    if (passage.hasStruck || passage.fault === undefined) return;
    passage.hasStruck = true;
    this.struck.add();
    this.struckBy.get(passage.fault)?.add();
  }

  #cut(passage: Passage): never {
    this.#strike(passage);
    close(passage.client);
    close(passage.server);
    throw new CutError("cut");
  }

  #delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#delays.delete(timer);
        resolve();
      }, delayMs);
      this.#delays.set(timer, resolve);
    });
  }
}

/** What comes of a connection, cut behind each line end. */
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

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
