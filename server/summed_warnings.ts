/**
 * Warnings that a hostile peer can cause any number of times.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";

/** Interval of the lines that repeat a warning. */
const INTERVAL_MS = 10_000;

/** A warning that was logged less than an interval ago. */
interface Repeated {
  action: string;
  error: string;
  /** Repetitions that were not logged yet. */
  times: number;
  timer: ReturnType<typeof setInterval>;
}

/**
 * Logs a new warning immediately. While it is repeated, logs one line per interval instead, with the number of
 * repetitions.
 */
export class SummedWarnings implements Disposable {
  readonly #log: ActionLog;
  readonly #repeated = new Map<string, Repeated>();

  constructor(log: ActionLog) {
    this.#log = log;
  }

  /** Logs that `action` failed. `details` are those of the first time; equal warnings may have others. */
  warn(action: string, error: string, details: Record<string, string> = {}): void {
    const key = `${action} ${error}`;
    const repeated = this.#repeated.get(key);
    if (repeated !== undefined) {
      repeated.times++;
      return;
    }
    this.#log.warning(action, "fail", { ...details, error });
    const timer = setInterval(() => this.#sum(key), INTERVAL_MS);
    this.#repeated.set(key, { action, error, times: 0, timer });
  }

  /** Logs what has not been logged yet. */
  [Symbol.dispose](): void {
    for (const [key, { timer }] of this.#repeated) {
      this.#sum(key);
      clearInterval(timer);
    }
    this.#repeated.clear();
  }

  /** Logs the repetitions of a warning; forgets a warning without any. */
  #sum(key: string): void {
    const repeated = this.#repeated.get(key)!;
    const { action, error, times, timer } = repeated;
    repeated.times = 0;
    if (times > 0) return this.#log.warning(action, "fail", { error, times });
    clearInterval(timer);
    this.#repeated.delete(key);
  }
}
