/**
 * Retries with exponential backoff and a limit.
 *
 * @module
 */

import type { ConnectionError } from "./connection.ts";

/** Longest pause after the first failure. Each further failure doubles it. */
const PAUSE_FIRST_MS = 100;
/** Longest pause. */
const PAUSE_MAX_MS = 2000;

/** No server could be reached, or none answered, for too long. */
export class UnreachableError extends Error {
  override name = "UnreachableError";
}

/** Options of {@linkcode Retry}. */
export interface RetryOptions {
  /** Milliseconds since any fixed moment. */
  now: () => number;
  /** Gives up after failing for this long. */
  retryMs: number;
  /** What the attempts try to reach, for messages. */
  name: string;
  /** Pauses after a failure, for at most `pauseMaxMs`. */
  pause: (error: ConnectionError, pauseMaxMs: number) => Promise<void>;
}

/** Counts attempts that fail in a row, and pauses longer after each. */
export class Retry {
  readonly #options: RetryOptions;
  #failures = 0;
  #firstFailureMs = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /**
   * Counts a failed attempt, and pauses before the next one.
   *
   * @throws {UnreachableError} If attempts have failed for too long.
   */
  async failed(error: ConnectionError): Promise<void> {
    const { name, now, pause, retryMs } = this.#options;
    if (this.#failures === 0) this.#firstFailureMs = now();
    if (now() - this.#firstFailureMs >= retryMs) {
      const reason = `Cannot reach ${name}: all attempts have failed for ${retryMs / 1000} s`;
      throw new UnreachableError(`${reason}; the last failure: ${error.message}`, { cause: error });
    }
    await pause(error, Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.#failures++));
  }

  /** Starts over after an attempt that succeeded. */
  succeeded(): void {
    this.#failures = 0;
  }
}
