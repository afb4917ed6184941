/**
 * Logs how connecting to the servers goes.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";

/** Equal failures in a row are logged at most once per interval, with their number. */
const REPEATED_EVERY_MS = 10_000;

/** Options of {@linkcode ConnectionLog}. */
export interface ConnectionLogOptions {
  log: ActionLog;
  /** Milliseconds since any fixed moment. */
  now: () => number;
}

/**
 * Logs connections and failures, without repeating the same line forty times a minute. A connection that is made
 * ends a series: the failure after it is logged at once, even if it equals the one before.
 */
export class ConnectionLog {
  readonly #options: ConnectionLogOptions;
  #hasFailed = false;
  /** The last failure that was logged, when, and how many equal ones were not logged since. */
  #last = { error: "", atMs: 0, unlogged: 0 };

  constructor(options: ConnectionLogOptions) {
    this.#options = options;
  }

  /** Logs that a connection was made. */
  connected(address: string): void {
    const { log } = this.#options;
    if (this.#hasFailed) log.info("connect", "success", { address });
    else log.debug("connect", "success", { address });
    this.#hasFailed = false;
    this.#last.error = "";
  }

  /** Logs that a connection broke, or could not be made. */
  failed(address: string, error: string): void {
    const { log, now } = this.#options;
    this.#hasFailed = true;
    const isRepeated = error === this.#last.error;
    if (isRepeated && now() - this.#last.atMs < REPEATED_EVERY_MS) {
      this.#last.unlogged++;
      return;
    }
    const times = isRepeated ? this.#last.unlogged + 1 : 1;
    log.warning("connect", "fail", { address, error, ...(times > 1 && { times }) });
    this.#last = { error, atMs: now(), unlogged: 0 };
  }
}
