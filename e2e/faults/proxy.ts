/**
 * A bad network between agency and server: a TCP proxy that breaks connections at chosen points.
 *
 * @module
 */

import type { Address } from "../../testing/ports.ts";
import type { Random } from "../../testing/random.ts";
import { Counter } from "./counter.ts";
import { Passage, PROXY_FAULTS, type ProxyFault } from "./passage.ts";

/** Options of {@linkcode Proxy}. */
export interface ProxyOptions {
  random: Random;
  /** Returns where the next connection leads. */
  target: () => Address;
  /** Returns the fault of the next connection; none if it is to work. */
  fault: () => ProxyFault | undefined;
  /**
   * Returns whether a connection to a target that does not listen is closed at once, rather than
   * after its first request.
   *
   * @default {() => false}
   */
  refusesAtOnce?: () => boolean;
  /** Rewrites a server's line, or a piece of one. For controls. @default {returns it unchanged} */
  rewrite?: (piece: Uint8Array) => Uint8Array;
}

/** Listens on a free port of its own until disposed. */
export class Proxy implements AsyncDisposable {
  /** Connections struck by a fault. */
  readonly struck: Counter = new Counter();
  /** The same for each fault. */
  readonly struckBy: ReadonlyMap<ProxyFault, Counter> = new Map(
    PROXY_FAULTS.map((fault) => [fault, new Counter()]),
  );
  /** Lines of servers that were forwarded. */
  readonly answers: Counter = new Counter();
  readonly #options: ProxyOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #serving = new Set<Promise<void>>();
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
    for (const connection of this.#open) this.#close(connection);
    for (const [timer, resolve] of this.#delays) {
      clearTimeout(timer);
      resolve();
    }
    await Promise.all([this.#accepting, ...this.#serving]);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let client: Deno.TcpConn;
      try {
        client = await this.#listener.accept();
      } catch {
        return;
      }
      const serving = this.#serve(client).finally(() => this.#serving.delete(serving));
      this.#serving.add(serving);
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
      await this.#passage(client, server).run();
    } catch {
      // The fault, or one of the ends, broke it; now both ends notice.
    } finally {
      this.#close(client);
      if (server !== undefined) this.#close(server);
    }
  }

  /**
   * Connects to the server. Without one, the client sees an orderly end, as from a load balancer.
   */
  async #connect(client: Deno.TcpConn): Promise<Deno.TcpConn> {
    try {
      return await Deno.connect(this.#options.target());
    } catch (error) {
      // Closing a socket with unread bytes would reset the connection.
      if (!this.#options.refusesAtOnce?.()) await client.read(new Uint8Array(1024));
      throw error;
    }
  }

  #passage(client: Deno.TcpConn, server: Deno.TcpConn): Passage {
    const { random, fault, rewrite = (piece) => piece } = this.#options;
    return new Passage({
      client,
      server,
      fault: fault(),
      random,
      delay: (delayMs) => this.#delay(delayMs),
      onStrike: (fault) => {
        this.struck.add();
        this.struckBy.get(fault)?.add();
      },
      onAnswer: () => this.answers.add(),
      rewrite,
    });
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
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
