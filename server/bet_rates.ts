/**
 * The limit on the bets that each agency may send in a second.
 *
 * Nothing is refused: a batch that comes too early waits for its turn before it is stored, and so does its answer.
 * Batches of an agency wait in the order in which they came, over any connection, so that neither more connections
 * nor reconnecting make an agency faster.
 *
 * @module
 */

/** Options of {@linkcode BetRates}. */
export interface BetRatesOptions {
  /** Bets of an agency in a second. As many may come at once after a quiet second. */
  betsPerSecondMax: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** A batch that waits for its turn. */
interface Waiter {
  bets: number;
  since: number;
  begin: () => void;
}

/** What an agency may still send, and who waits. */
interface Allowance {
  /** Bets that may come at once. Below 0 after a batch of more bets than a second allows. */
  bets: number;
  countedAt: number;
  waiting: Waiter[];
  timer?: ReturnType<typeof setTimeout>;
}

/** Delays batches of agencies that send too many bets. */
export class BetRates {
  readonly #options: BetRatesOptions;
  readonly #agencies = new Map<number, Allowance>();
  /** Batches that had to wait, those that wait now included. */
  delayedBatches = 0;
  /** How long they have waited together. */
  delayedSeconds = 0;

  constructor(options: BetRatesOptions) {
    this.#options = options;
  }

  /**
   * Takes a turn for a batch.
   *
   * @param abandoned Ends the wait. The bets of an abandoned batch do not count.
   * @returns Nothing if the batch may be stored at once; else what resolves when it may, to `true`, or when it was
   * abandoned, to `false`.
   */
  take(agency: number, bets: number, abandoned: AbortSignal): Promise<boolean> | undefined {
    const allowance = this.#allowanceOf(agency);
    if (allowance.waiting.length === 0 && this.#spend(allowance, bets)) return undefined;
    this.delayedBatches++;
    return this.#wait(allowance, bets, abandoned);
  }

  #allowanceOf(agency: number): Allowance {
    let allowance = this.#agencies.get(agency);
    if (allowance !== undefined) return allowance;
    const { betsPerSecondMax, now } = this.#options;
    allowance = { bets: betsPerSecondMax, countedAt: now(), waiting: [] };
    this.#agencies.set(agency, allowance);
    return allowance;
  }

  async #wait(allowance: Allowance, bets: number, abandoned: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { bets, since: this.#options.now(), begin: () => resolve(true) };
    const abandon = () => resolve(false);
    abandoned.addEventListener("abort", abandon, { once: true });
    allowance.waiting.push(waiter);
    if (abandoned.aborted) abandon();
    else this.#schedule(allowance);
    const begins = await promise;
    abandoned.removeEventListener("abort", abandon);
    if (!begins) {
      allowance.waiting.splice(allowance.waiting.indexOf(waiter), 1);
      this.#schedule(allowance);
    }
    return begins;
  }

  /** Wakes when the first of those that wait may begin. */
  #schedule(allowance: Allowance): void {
    clearTimeout(allowance.timer);
    const [first] = allowance.waiting;
    if (first === undefined) return;
    this.#earn(allowance);
    const missing = this.#needed(first.bets) - allowance.bets;
    const waitMs = Math.ceil(1000 * missing / this.#options.betsPerSecondMax);
    allowance.timer = setTimeout(() => this.#beginNext(allowance), Math.max(0, waitMs));
  }

  #beginNext(allowance: Allowance): void {
    const { waiting } = allowance;
    while (waiting.length > 0 && this.#spend(allowance, waiting[0].bets)) {
      const { since, begin } = waiting.shift()!;
      this.delayedSeconds += (this.#options.now() - since) / 1000;
      begin();
    }
    this.#schedule(allowance);
  }

  /** Spends the bets of a batch, if they may come now. */
  #spend(allowance: Allowance, bets: number): boolean {
    this.#earn(allowance);
    if (allowance.bets < this.#needed(bets)) return false;
    allowance.bets -= bets;
    return true;
  }

  /** A batch of more bets than a second allows needs all of them, and is paid for afterwards. */
  #needed(bets: number): number {
    return Math.min(bets, this.#options.betsPerSecondMax);
  }

  #earn(allowance: Allowance): void {
    const { betsPerSecondMax, now } = this.#options;
    const nowMs = now();
    const earned = (nowMs - allowance.countedAt) / 1000 * betsPerSecondMax;
    allowance.bets = Math.min(betsPerSecondMax, allowance.bets + earned);
    allowance.countedAt = nowMs;
  }
}
