/**
 * Slows down those who guess keys.
 *
 * @module
 */

/** Pause after the first failure of an address. Each further failure doubles it. */
const PAUSE_FIRST_MS = 250;
const PAUSE_MAX_MS = 8000;
/** Longest wait: an attempt that would have to wait longer fails at once. */
const WAIT_MAX_MS = 10_000;
/** An address is forgotten this long after its last failure. */
const MEMORY_MS = 60_000;
/** Addresses that are remembered. One more, and the one that has not failed for longest is forgotten. */
const ADDRESSES_MAX = 10_000;

interface Guesser {
  failures: number;
  failedAtMs: number;
  /** When its next attempt may take place. */
  freeAtMs: number;
}

/**
 * The pauses between the attempts of addresses that have failed. Attempts of one address take place one at a time,
 * over however many connections they arrive.
 */
export class GuessDelays {
  readonly #now: () => number;
  /** By address; those that failed last are last. */
  readonly #guessers = new Map<string, Guesser>();

  /** @param now A monotonic clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Reserves an attempt of an address.
   *
   * @returns How long it has to wait, in milliseconds; nothing if it must fail at once.
   */
  reserve(address: string): number | undefined {
    const guesser = this.#guessers.get(address);
    if (guesser === undefined) return 0;
    const nowMs = this.#now();
    if (nowMs - guesser.failedAtMs > MEMORY_MS) {
      this.#guessers.delete(address);
      return 0;
    }
    const waitMs = Math.max(0, guesser.freeAtMs - nowMs);
    if (waitMs > WAIT_MAX_MS) return undefined;
    guesser.freeAtMs = nowMs + waitMs + pauseAfter(guesser.failures);
    return waitMs;
  }

  /** An attempt of an address has failed. */
  failed(address: string): void {
    const nowMs = this.#now();
    const known = this.#guessers.get(address);
    const failures = (known?.failures ?? 0) + 1;
    const freeAtMs = Math.max(known?.freeAtMs ?? 0, nowMs + pauseAfter(failures));
    this.#guessers.delete(address);
    this.#guessers.set(address, { failures, failedAtMs: nowMs, freeAtMs });
    if (this.#guessers.size <= ADDRESSES_MAX) return;
    const [eldest] = this.#guessers.keys();
    this.#guessers.delete(eldest);
  }
}

function pauseAfter(failures: number): number {
  return Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1));
}
