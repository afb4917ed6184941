/**
 * Events that schedules wait for: "when 40 more batches are acknowledged".
 *
 * @module
 */

/** Nothing may take longer than this between two events of a schedule. */
const PATIENCE_MS = 30_000;

/** Counts, and tells who waits for a number that it has come. */
export class Counter {
  #value = 0;
  readonly #waiters = new Set<{ count: number; wake: () => void }>();

  /** How often it was counted. */
  get value(): number {
    return this.#value;
  }

  /** Counts one more. */
  add(): void {
    this.#value++;
    for (const { count, wake } of [...this.#waiters]) if (this.#value >= count) wake();
  }

  /**
   * Waits until it has counted to `count`.
   *
   * @returns Whether it has, before the patience ended.
   */
  reaches(count: number, patienceMs: number = PATIENCE_MS): Promise<boolean> {
    if (this.#value >= count) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { count, wake: () => resolve(true) };
    const timer = setTimeout(() => resolve(false), patienceMs);
    this.#waiters.add(waiter);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  /**
   * Waits until it has counted `count` more.
   *
   * @throws {Error} If that does not happen in time.
   */
  async more(count: number, what: string): Promise<void> {
    const from = this.#value;
    if (await this.reaches(from + count)) return;
    throw new Error(
      `Cannot go on with the schedule: ${what} came ${this.#value - from} times ` +
        `instead of ${count} in ${PATIENCE_MS / 1000} seconds`,
    );
  }
}

/** What `promise` brings, or nothing if it takes longer than `patienceMs`. */
export async function within<Result>(
  promise: Promise<Result>,
  patienceMs: number,
): Promise<Result | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), patienceMs);
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
