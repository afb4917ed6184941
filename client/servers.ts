/**
 * All servers behind one name, as one that may be tried again: another address, a pause, a limit.
 *
 * @module
 */

import { isIpv4 } from "../shared/config.ts";
import type { ActionLog } from "../shared/logging.ts";
import {
  connect,
  type Connection,
  ConnectionError,
  type Dialer,
  TCP_DIALER,
  within,
} from "./connection.ts";

/** Longest first pause between two tries; each further one may be twice as long. */
const PAUSE_FIRST_MS = 100;
/** Longest pause between two tries. */
const PAUSE_MAX_MS = 2000;

/** A failure that comes again and again is told so often, with how many there were meanwhile. */
const WARN_EVERY_MS = 10_000;

/** No server could be reached, or none answered, for too long. */
export class UnreachableError extends Error {
  override name = "UnreachableError";
}

/** Options of {@linkcode Servers}. */
export interface ServersOptions {
  /** The servers' name, or the address of the only one. */
  host: string;
  port: number;
  /** Longest time for a connection to be made, and for an answer. */
  answerTimeoutMs: number;
  /** Gives up when nothing has worked for so long. */
  retryMs: number;
  log: ActionLog;
  /** @default {TCP_DIALER} */
  dialer?: Dialer;
  /** A number from 0 up to 1. @default {Math.random} */
  random?: () => number;
  /** Milliseconds since some moment. @default {performance.now} */
  now?: () => number;
  /** @default {setTimeout} */
  sleep?: (timeMs: number) => Promise<void>;
}

/** Keeps one connection to one of the servers, and makes another when it fails. */
export class Servers implements Disposable {
  /** Longest time for an answer. */
  readonly answerTimeoutMs: number;
  /** Connections in a row that a server closed before a byte of an answer. */
  closedInARow = 0;
  /** Whether the servers take one packet a connection. */
  closesAfterAnswer = false;
  readonly #options: Required<ServersOptions>;
  readonly #name: string;
  #connection: Connection | undefined;
  /** Addresses that are still to be tried before the name is asked again. */
  #addresses: string[] = [];
  #hasFailed = false;
  /** The failure that was told last, when that was, and how many like it were not told since. */
  #warned = { error: "", atMs: 0, untold: 0 };

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
  }

  /**
   * Does `work` on the connection that is open, or a new one; if that fails, does it again on another,
   * until it is done.
   *
   * @throws {UnreachableError} If no try has succeeded for the time of `retryMs`.
   */
  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const retry = this.retry();
    for (;;) {
      try {
        const result = await work(await this.#connect());
        if (this.closesAfterAnswer) this.hangUp();
        return result;
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        await retry.failed(error);
      }
    }
  }

  /** Does `work` once, on the connection that is open or a new one; the caller copes with its failure. */
  async useOnce<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    return await work(await this.#connect());
  }

  /** Milliseconds since some moment. */
  now(): number {
    return this.#options.now();
  }

  /** Starts to count tries that fail. */
  retry(): Retry {
    const { now, random, retryMs, sleep } = this.#options;
    return new Retry({
      now,
      retryMs,
      name: this.#name,
      pause: async (error, pauseMaxMs) => {
        this.#warn(error);
        await sleep((0.5 + random() / 2) * pauseMaxMs);
      },
    });
  }

  /** Closes the connection, if one is open. */
  hangUp(): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }

  [Symbol.dispose](): void {
    this.hangUp();
  }

  #warn(error: ConnectionError): void {
    this.closedInARow = error.failure === "closed" ? this.closedInARow + 1 : 0;
    this.#hasFailed = true;
    const address = this.#connection?.address ?? this.#name;
    this.#tell(address, error.message);
    this.hangUp();
  }

  /** Nobody reads the same line forty times a minute. */
  #tell(address: string, error: string): void {
    const { log, now } = this.#options;
    const isRepeated = error === this.#warned.error;
    if (isRepeated && now() - this.#warned.atMs < WARN_EVERY_MS) {
      this.#warned.untold++;
      return;
    }
    const times = isRepeated ? this.#warned.untold + 1 : 1;
    log.warning("connect", "fail", { address, error, ...(times > 1 && { times }) });
    this.#warned = { error, atMs: now(), untold: 0 };
  }

  async #connect(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    const { answerTimeoutMs: timeoutMs, dialer, log, port } = this.#options;
    if (this.#addresses.length === 0) this.#addresses = await this.#resolve();
    const hostname = this.#addresses.shift()!;
    const connection = await connect({ hostname, port }, { dialer, timeoutMs });
    this.#connection = connection;
    // A failure behind this one is news.
    this.#warned.error = "";
    const details = { address: connection.address };
    if (this.#hasFailed) log.info("connect", "success", details);
    else log.debug("connect", "success", details);
    this.#hasFailed = false;
    return connection;
  }

  /** The addresses of the servers' name, beginning with any of them: clients spread over the servers. */
  async #resolve(): Promise<string[]> {
    const { answerTimeoutMs, dialer, host, random } = this.#options;
    if (isIpv4(host) || host === "localhost") return [host];
    // What has no address by itself may have one by other means: /etc/hosts, or IPv6.
    const found = await within(answerTimeoutMs, dialer.resolve(host)).catch(() => []);
    if (found.length === 0) return [host];
    const first = Math.floor(random() * found.length);
    return [...found.slice(first), ...found.slice(0, first)];
  }
}

/** Options of {@linkcode Retry}. */
interface RetryOptions {
  now: () => number;
  retryMs: number;
  /** What is tried. */
  name: string;
  pause: (error: ConnectionError, pauseMaxMs: number) => Promise<void>;
}

/** Counts tries that fail in a row, and pauses longer after each. */
export class Retry {
  readonly #options: RetryOptions;
  #failures = 0;
  #firstFailureMs = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /**
   * Says that a try has failed, and waits before the next one.
   *
   * @throws {UnreachableError} If tries have failed for too long.
   */
  async failed(error: ConnectionError): Promise<void> {
    const { name, now, pause, retryMs } = this.#options;
    if (this.#failures === 0) this.#firstFailureMs = now();
    if (now() - this.#firstFailureMs >= retryMs) {
      const reason = `Cannot reach ${name}: nothing has worked for ${retryMs / 1000} s`;
      throw new UnreachableError(`${reason}; last, ${error.message}`, { cause: error });
    }
    await pause(error, Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.#failures++));
  }

  /** Says that a try has succeeded. */
  succeeded(): void {
    this.#failures = 0;
  }
}
