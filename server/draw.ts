/**
 * The draw: it happens when every agency has closed. The ledger decides that, nothing else.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import type { Ledger } from "./ledger/ledger.ts";

/** Options of {@linkcode Draw}. */
export interface DrawOptions {
  /** How often to look while someone waits: a datagram may have been lost. Milliseconds. */
  pollMs: number;
  winningNumber: number;
  log: ActionLog;
}

/** Someone who waits for the draw. */
interface Waiter {
  /** Called once, with whether the draw has happened. */
  wake: (drawn: boolean) => void;
}

/** Knows whether the draw has happened, and wakes those who wait for it. */
export class Draw {
  readonly #ledger: Ledger;
  readonly #options: DrawOptions;
  readonly #waiters = new Set<Waiter>();
  #isDrawn = false;
  #looking: Promise<boolean> | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;

  constructor(ledger: Ledger, options: DrawOptions) {
    this.#ledger = ledger;
    this.#options = options;
  }

  /**
   * Waits for the draw.
   *
   * @param abandoned Ends the waiting.
   * @returns Whether the draw has happened; if not, the waiting was ended.
   */
  async wait(abandoned: AbortSignal): Promise<boolean> {
    if (await this.look()) return true;
    if (abandoned.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter: Waiter = { wake: resolve };
    const abandon = () => resolve(false);
    abandoned.addEventListener("abort", abandon, { once: true });
    this.#waiters.add(waiter);
    // The draw may have come between the look and this line.
    if (this.#isDrawn) resolve(true);
    this.#poll ??= setInterval(() => void this.look(), this.#options.pollMs);
    const isDrawn = await promise;
    abandoned.removeEventListener("abort", abandon);
    this.#waiters.delete(waiter);
    if (this.#waiters.size === 0) this.#stopPolling();
    return isDrawn;
  }

  /** Looks whether every agency has closed; if so, the draw happens. Several looks at once are one. */
  look(): Promise<boolean> {
    if (this.#isDrawn) return Promise.resolve(true);
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    try {
      if (!this.#ledger.isComplete()) return false;
      // Winners are named from what will still be there after a power cut.
      await this.#ledger.settle();
    } catch (error) {
      this.#options.log.error("sorteo", "fail", { error: (error as Error).message });
      return false;
    }
    if (!this.#isDrawn) {
      this.#isDrawn = true;
      this.#options.log.info("sorteo", "success", { numero_ganador: this.#options.winningNumber });
    }
    this.#stopPolling();
    for (const { wake } of this.#waiters) wake(true);
    return true;
  }

  #stopPolling(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }
}
