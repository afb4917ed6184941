/**
 * All servers that share one name, used as one, with failover, backoff and a deadline.
 *
 * @module
 */

import { isIpv4 } from "../shared/config.ts";
import { withDeadline } from "../shared/deadline.ts";
import type { ActionLog } from "../shared/logging.ts";
import { connect, type Connection, ConnectionError } from "./connection.ts";
import { ConnectionLog } from "./connection_log.ts";
import { type Dialer, TCP_DIALER } from "./dialer.ts";
import { Retry } from "./retry.ts";

/** Options of {@linkcode Servers}. */
export interface ServersOptions {
  /** The servers' name, or the address of the only one. */
  host: string;
  port: number;
  /** Longest time for connecting, and for an answer. */
  answerTimeoutMs: number;
  /** Gives up after nothing has worked for this long. */
  retryMs: number;
  log: ActionLog;
  /** @default {TCP_DIALER} */
  dialer?: Dialer;
  /** A number from 0 up to 1. @default {Math.random} */
  random?: () => number;
  /** Milliseconds since any fixed moment. @default {performance.now} */
  now?: () => number;
  /** @default {setTimeout} */
  sleep?: (timeMs: number) => Promise<void>;
}

/** Keeps one connection to one of the servers, and replaces it when it fails. */
export class Servers implements Disposable {
  /** Longest time for an answer. */
  readonly answerTimeoutMs: number;
  readonly #options: Required<ServersOptions>;
  readonly #name: string;
  readonly #log: ConnectionLog;
  #connection: Connection | undefined;
  /** Addresses to try before the name is resolved again. */
  #addresses: string[] = [];

  constructor(options: ServersOptions) {
    this.#options = {
      dialer: TCP_DIALER,
      random: Math.random,
      now: () => performance.now(),
      sleep: (timeMs) => new Promise((resolve) => setTimeout(resolve, timeMs)),
      ...options,
    };
    this.answerTimeoutMs = options.answerTimeoutMs;
    this.#name = `${options.host}:${options.port}`;
    this.#log = new ConnectionLog(this.#options);
  }

  /**
   * Does `work` on the open connection, or on a new one. Repeats it on another connection when that fails.
   *
   * @throws {UnreachableError} If attempts have failed for `retryMs`.
   */
  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const retry = this.retry();
    for (;;) {
      try {
        return await this.useOnce(work);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        await retry.failed(error);
      }
    }
  }

  /**
   * Does `work` once, on the open connection or on a new one.
   *
   * @throws {ConnectionError} If that fails. The caller passes it to {@linkcode retry}.
   */
  async useOnce<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return await work(await this.#connect());
  }

  /** Milliseconds since any fixed moment. */
  now(): number {
    return this.#options.now();
  }

  /** Starts to count failures. Each one closes the connection. */
  retry(): Retry {
    const { now, random, retryMs, sleep } = this.#options;
    return new Retry({
      now,
      retryMs,
      name: this.#name,
      pause: async (error, pauseMaxMs) => {
        this.#log.failed(this.#connection?.address ?? this.#name, error.message);
        this.disconnect();
        // Clients that failed together must not come back together.
        await sleep((0.5 + random() / 2) * pauseMaxMs);
      },
    });
  }

  /** Closes the connection, if one is open. */
  disconnect(): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }

  async #connect(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    const { answerTimeoutMs: timeoutMs, dialer, port } = this.#options;
    if (this.#addresses.length === 0) this.#addresses = await this.#resolve();
    const hostname = this.#addresses.shift()!;
    this.#connection = await connect({ hostname, port }, { dialer, timeoutMs });
    this.#log.connected(this.#connection.address);
    return this.#connection;
  }

  /** Returns the addresses of the name, starting at a random one: that spreads clients over the servers. */
  async #resolve(): Promise<string[]> {
    const { answerTimeoutMs: timeoutMs, dialer, host, random } = this.#options;
    if (isIpv4(host) || host === "localhost") return [host];
    const late = { timeoutMs, error: () => new Error(`Cannot resolve ${host} in time`) };
    // Connecting may still find a name that DNS does not resolve: in /etc/hosts, or over IPv6.
    const found = await withDeadline(dialer.resolve(host), late).catch(() => []);
    if (found.length === 0) return [host];
    const first = Math.floor(random() * found.length);
    return [...found.slice(first), ...found.slice(0, first)];
  }
}
