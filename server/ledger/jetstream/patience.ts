/**
 * How long a call may try to reach the log: until shortly before its client gives up, or until the server has
 * to end.
 *
 * @module
 */

import { Deadlines } from "./deadlines.ts";

/** Options of {@linkcode Patience}. */
export interface PatienceOptions {
  /** Longest time of a call, in milliseconds. Clients wait longer. */
  deadlineMs: number;
  /** Pause before the next attempt, in milliseconds. */
  pauseMs: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** The patience of all calls of a server. */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #deadlines: Deadlines;
  #lastEnd = Infinity;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.now);
  }

  /** The current time of its clock. */
  now(): number {
    return this.#options.now();
  }

  /** The time at which a call that begins now has to end. */
  endsAt(): number {
    return this.now() + this.#options.deadlineMs;
  }

  /** Whether that time has come. */
  isOver(endsAt: number): boolean {
    return this.#leftMs(endsAt) <= 0;
  }

  /** Pauses before the next attempt; returns false if there is no time left for one. */
  async retry(endsAt: number): Promise<boolean> {
    await this.pause(Math.min(this.#leftMs(endsAt), this.#options.pauseMs));
    return !this.isOver(endsAt);
  }

  /** Awaits work until `endsAt` at most: the result is undefined then. */
  until<Result>(endsAt: number, work: Promise<Result>): Promise<Result | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
    const atMs = Math.min(endsAt, this.#lastEnd);
    const deadline = { atMs, onOver: () => resolve(undefined) };
    this.#deadlines.add(deadline);
    const end = () => this.#deadlines.delete(deadline);
    work.then((result) => (end(), resolve(result)), (error) => (end(), reject(error)));
    return promise;
  }

  /** Waits for a time, or until `woken` settles. Rejects if that does. */
  async pause(timeMs: number, woken?: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeMs);
    try {
      await (woken === undefined ? promise : Promise.race([promise, woken]));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Limits the remaining time of all calls. */
  shorten(timeMs: number): void {
    this.#lastEnd = Math.min(this.#lastEnd, this.now() + timeMs);
  }

  #leftMs(endsAt: number): number {
    return Math.max(0, Math.min(endsAt, this.#lastEnd) - this.now());
  }
}
