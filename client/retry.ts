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
  /** Records a failure. Returns whether some server has not failed yet: as long as one has not, nobody gives up. */
  record: (error: ConnectionError) => boolean;
  /** Pauses for at most `pauseMaxMs`. */
  pause: (pauseMaxMs: number) => Promise<void>;
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
    const { now, pause, record, retryMs } = this.#options;
    const isAnyLeft = record(error);
    if (this.#failures === 0) this.#firstFailureMs = now();
    if (now() - this.#firstFailureMs >= retryMs && !isAnyLeft) throw this.#unreachable(error);
    await pause(Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.#failures++));
  }

  /** Starts over after an attempt that succeeded. */
  succeeded(): void {
    this.#failures = 0;
  }

  #unreachable(error: ConnectionError): UnreachableError {
    const { name, retryMs } = this.#options;
    const advice = error.advice === undefined ? "" : `. ${error.advice}`;
    return new UnreachableError(
      `Cannot reach ${name}: all attempts have failed for ${retryMs / 1000} s; the last failure: ` +
        `${error.message}${advice}`,
      { cause: error },
    );
  }
}
