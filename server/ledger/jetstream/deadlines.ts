/**
 * Deadlines that are rarely reached. They share one timer: a timer for each of thousands of messages a second, set and
 * cleared, costs a server a tenth of its time.
 *
 * @module
 */

/** A time by which something has to have happened. */
export interface Deadline {
  /** By the clock of its {@linkcode Deadlines}. */
  atMs: number;
  /** Called when the time has come. The deadline is removed before. */
  onOver: () => void;
}

/** Watches deadlines. Its timer runs no longer than there are any. */
export class Deadlines {
  readonly #now: () => number;
  readonly #waiting = new Set<Deadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAtMs = Infinity;

  /** @param now A monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(deadline: Deadline): void {
    this.#waiting.add(deadline);
    if (deadline.atMs < this.#timerAtMs) this.#setTimer(deadline.atMs);
  }

  delete(deadline: Deadline): void {
    if (this.#waiting.delete(deadline) && this.#waiting.size === 0) this.#clearTimer();
  }

  #setTimer(atMs: number): void {
    this.#clearTimer();
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#end(), Math.max(0, atMs - this.#now()));
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = Infinity;
  }

  /** Ends the deadlines that are over, and waits for the next one. */
  #end(): void {
    this.#clearTimer();
    const nowMs = this.#now();
    const over = Array.from(this.#waiting).filter(({ atMs }) => atMs <= nowMs);
    for (const deadline of over) this.#waiting.delete(deadline);
    const nextMs = this.#waiting.values().reduce(
      (least, { atMs }) => Math.min(least, atMs),
      Infinity,
    );
    if (nextMs < Infinity) this.#setTimer(nextMs);
    for (const { onOver } of over) onOver();
  }
}
