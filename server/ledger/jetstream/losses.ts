/**
 * Whether a stream has lost messages for good. A leader that was just elected may not have read all of them
 * yet, so it must be seen often, and over some time.
 *
 * @module
 */

const LOSSES_MAX = 10;
const LOSS_MS = 30_000;

/** Counts how often it was seen that messages are gone. */
export class Losses {
  #count = 0;
  #firstMs = 0;
  #lastMs = 0;

  /** Takes note of messages that follow one another: none is gone. */
  clear(): void {
    this.#count = 0;
  }

  /**
   * Takes note that messages seem to be gone. A loss that is not seen again soon was none: the count starts over.
   *
   * @param nowMs The time of a monotonic clock, in milliseconds.
   * @returns Whether they are gone for good.
   */
  note(nowMs: number): boolean {
    if (this.#count === 0 || nowMs - this.#lastMs > LOSS_MS) {
      this.#count = 0;
      this.#firstMs = nowMs;
    }
    this.#lastMs = nowMs;
    return ++this.#count >= LOSSES_MAX && nowMs - this.#firstMs >= LOSS_MS;
  }
}
