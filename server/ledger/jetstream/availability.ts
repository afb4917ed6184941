/**
 * Whether the cluster answers, as far as one server can see. Normally appends show it. While they are not answered,
 * probes do, because a server that is not ready may receive no more appends.
 *
 * @module
 */

/** Pause before a probe. */
const PROBE_PAUSE_MS = 1000;

/** Follows whether the cluster answers. Disposing of it ends the probes. */
export class Availability implements Disposable {
  /** Asks for what the latest append without an answer needs; undefined while appends are answered. */
  #probe: (() => Promise<unknown>) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDisposed = false;

  /** Whether the latest append or probe was answered. */
  get isAnswering(): boolean {
    return this.#probe === undefined;
  }

  /** Takes note of an answer. */
  noteAnswer(): void {
    this.#probe = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Takes note of an append without an answer.
   *
   * @param probe Makes a cheap request instead, and rejects if it is not answered. It is repeated until it is
   * answered.
   */
  noteSilence(probe: () => Promise<unknown>): void {
    if (this.#isDisposed) return;
    const isProbing = this.#probe !== undefined;
    this.#probe = probe;
    if (!isProbing) this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#ask(), PROBE_PAUSE_MS);
  }

  async #ask(): Promise<void> {
    const probe = this.#probe;
    if (probe === undefined) return;
    const isAnswered = await probe().then(() => true, () => false);
    // An append may have been answered, and another one not, while the probe was under way.
    if (isAnswered && this.#probe === probe) this.noteAnswer();
    if (this.#probe !== undefined && !this.#isDisposed) this.#schedule();
  }
}
