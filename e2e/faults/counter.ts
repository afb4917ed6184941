/**
 * Events that schedules wait for, such as "40 more batches are acknowledged".
 *
 * @module
 */

import { withDeadline } from "../../shared/deadline.ts";

/** Longest wait between two events of a schedule, unless the caller says otherwise. */
const TIMEOUT_MS = 30_000;

/** Counts events and wakes those who wait for a number of them. */
export class Counter {
  #value = 0;
  readonly #waiters = new Set<{ count: number; wake: () => void }>();

  /** How many events were counted. */
  get value(): number {
    return this.#value;
  }

  /** Counts one event. */
  add(): void {
    this.#value++;
    for (const { count, wake } of [...this.#waiters]) if (this.#value >= count) wake();
  }

  /**
   * Waits until `count` events were counted. Returns whether they were before `timeoutMs` passed.
   */
  async reaches(count: number, timeoutMs: number = TIMEOUT_MS): Promise<boolean> {
    if (this.#value >= count) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { count, wake: () => resolve(true) };
    this.#waiters.add(waiter);
    return await inTime(promise, timeoutMs).finally(() => this.#waiters.delete(waiter));
  }

  /**
   * Waits for `count` more events.
   *
   * @throws {Error} If they do not come in time. `what` describes an event.
   */
  async more(count: number, what: string): Promise<void> {
    const from = this.#value;
    if (await this.reaches(from + count)) return;
    throw new Error(
      `Cannot continue the schedule: ${what} came ${this.#value - from} times ` +
        `instead of ${count} in ${TIMEOUT_MS / 1000} seconds`,
    );
  }
}

/** Returns whether a promise resolves to something true before `timeoutMs` pass. */
export async function inTime(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const error = () => new Error("too late");
  return await withDeadline(promise, { timeoutMs, error }).then(Boolean, () => false);
}
