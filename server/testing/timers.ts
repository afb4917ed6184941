/**
 * Timers that end together.
 *
 * @module
 */

/** Timers of one owner. Disposing of it cancels them. */
export class Timers implements Disposable {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #isDisposed = false;

  /** Calls `work` after a time. Returns what cancels that. */
  after(timeMs: number, work: () => void): () => void {
    if (this.#isDisposed) return () => {};
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, timeMs);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
