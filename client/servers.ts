/**
 * All servers that share one name, used as one, with failover, backoff and a deadline.
 *
 * @module
 */

import { isIpv4 } from "../shared/config.ts";
import { withDeadline } from "../shared/deadline.ts";
import type { ActionLog } from "../shared/logging.ts";
import { AddressOrder } from "./address_order.ts";
import { connect, type Connection, ConnectionError, formatAddress } from "./connection.ts";
import { ConnectionLog } from "./connection_log.ts";
import { type Dialer, TCP_DIALER } from "./dialer.ts";
import { race, type Runner } from "./race.ts";
import { Retry } from "./retry.ts";

/** How long a server may take to greet before the next address is tried too, as RFC 8305 recommends. */
const NEXT_ADDRESS_MS = 250;

/**
 * Makes sure that a server works before it is used. Opens one or more connections to its address, and returns
 * the one to use. Servers that accept connections but do not answer, such as paused ones, must make it fail
 * or wait: meanwhile, other addresses are tried.
 *
 * @throws {ConnectionError} If another address may work.
 */
export type Greet = (open: () => Promise<Connection>) => Promise<Connection>;

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
  /** Introduces this client on each new connection, before anything else. @default {nothing is said} */
  introduce?: (connection: Connection) => Promise<void>;
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
  readonly #order = new AddressOrder();
  /** The addresses of the name, as last resolved. */
  #addresses: string[] = [];
  #open: { hostname: string; connection: Connection } | undefined;

  constructor(options: ServersOptions) {
    this.#options = {
      introduce: () => Promise.resolve(),
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
  async use<Result>(
    work: (connection: Connection) => Promise<Result>,
    greet?: Greet,
  ): Promise<Result> {
    const retry = this.retry();
    for (;;) {
      try {
        return await this.useOnce(work, greet);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        await retry.failed(error);
      }
    }
  }

  /**
   * Does `work` once, on the open connection or on a new one.
   *
   * @param greet Greets the server of a new connection. @default {connects only}
   * @throws {ConnectionError} If that fails. The caller passes it to {@linkcode retry}.
   */
  async useOnce<Result>(
    work: (connection: Connection) => Promise<Result>,
    greet: Greet = (open) => open(),
  ): Promise<Result> {
    const { connection, hostname } = this.#open ??= await this.#connect(greet);
    const result = await work(connection);
    this.#order.worked(hostname);
    return result;
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
      record: (error) => {
        if (this.#open !== undefined) {
          this.#order.failed(this.#open.hostname);
          this.#log.failed(this.#open.connection.address, error.message);
        }
        this.disconnect();
        return !this.#order.haveAllFailed(this.#addresses);
      },
      // Clients that failed together must not come back together.
      pause: (pauseMaxMs) => sleep((0.5 + random() / 2) * pauseMaxMs),
    });
  }

  /** Closes the connection, if one is open. */
  disconnect(): void {
    this.#open?.connection[Symbol.dispose]();
    this.#open = undefined;
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }

  /** Connects to the address that is the first to greet. */
  async #connect(greet: Greet): Promise<{ hostname: string; connection: Connection }> {
    this.#addresses = await this.#resolve();
    const { winner: hostname, prize: connection, overtaken } = await race(
      this.#order.sort(this.#addresses),
      {
        delayMs: NEXT_ADDRESS_MS,
        run: (runner) => greet(() => this.#connectTo(runner)),
        failed: (hostname, error) => {
          if (!(error instanceof ConnectionError)) throw error;
          this.#order.failed(hostname);
          this.#log.failed(formatAddress(hostname, this.#options.port), error.message);
        },
      },
    );
    for (const slow of overtaken) {
      this.#order.failed(slow);
      const address = formatAddress(slow, this.#options.port);
      this.#options.log.debug("connect", "fail", { address, error: "another server was faster" });
    }
    this.#log.connected(connection.address);
    return { hostname, connection };
  }

  async #connectTo({ candidate: hostname, signal }: Runner<string>): Promise<Connection> {
    const { answerTimeoutMs: timeoutMs, dialer, introduce, port } = this.#options;
    const connection = await connect({ hostname, port }, { dialer, timeoutMs, signal });
    try {
      await introduce(connection);
      return connection;
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /** Returns the addresses of the name, starting at a random one: that spreads clients over the servers. */
  async #resolve(): Promise<string[]> {
    const { answerTimeoutMs: timeoutMs, dialer, host, random } = this.#options;
    if (isIpv4(host)) return [host];
    const late = { timeoutMs, error: () => new Error(`Cannot resolve ${host} in time`) };
    const found = await withDeadline(dialer.resolve(host), late).catch(() => []);
    if (found.length === 0) return this.#addresses.length > 0 ? this.#addresses : [host];
    const first = Math.floor(random() * found.length);
    return [...found.slice(first), ...found.slice(0, first)];
  }
}
