/**
 * Decides when to say what a run waits for, so that it is never silent for long and never repeats itself often.
 *
 * @module
 */

/** Options of {@linkcode Silence}. */
export interface SilenceOptions {
  /** A silence that is longer is broken, in milliseconds. */
  quietMs: number;
  /** The longest time until the same is said again. It doubles up to that. */
  repeatMs: number;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** Watches how long nothing has been said. */
export class Silence {
  readonly #options: Required<SilenceOptions>;
  #lastMs: number;
  #gapMs: number;
  #subject: string | undefined;

  constructor(options: SilenceOptions) {
    this.#options = { now: () => performance.now(), ...options };
    this.#lastMs = this.#options.now();
    this.#gapMs = options.quietMs;
  }

  /** For how long nothing has been said, in milliseconds. */
  get lengthMs(): number {
    return this.#options.now() - this.#lastMs;
  }

  /** Something else has been said. */
  broken(): void {
    this.#lastMs = this.#options.now();
    this.#subject = undefined;
  }

  /** Whether to say this now; it then counts as said. */
  isTimeFor(subject: string): boolean {
    const { quietMs, repeatMs, now } = this.#options;
    const isNew = subject !== this.#subject;
    if (this.lengthMs < (isNew ? quietMs : this.#gapMs)) return false;
    this.#gapMs = Math.min(isNew ? 2 * quietMs : 2 * this.#gapMs, Math.max(quietMs, repeatMs));
    if (repeatMs === Infinity) this.#gapMs = Infinity;
    this.#subject = subject;
    this.#lastMs = now();
    return true;
  }
}
