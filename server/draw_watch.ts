/**
 * Watches the ledger for the draw, and wakes the sessions that wait for it. Only the ledger decides whether
 * the draw has happened.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import type { Draw, Ledger } from "./ledger/ledger.ts";

/** Options of {@linkcode DrawWatch}. */
export interface DrawWatchOptions {
  winningNumber: number;
  log: ActionLog;
  /** Called once, with the draw. @default {nothing is called} */
  onDraw?: (draw: Draw) => void;
}

/** Waits for the draw on behalf of all sessions. */
export class DrawWatch {
  readonly #ledger: Ledger;
  readonly #options: DrawWatchOptions;
  /** The sessions that wait. Each is woken once. */
  readonly #waiters = new Set<(draw: Draw) => void>();
  #draw: Draw | undefined;
  #looking: Promise<Draw | undefined> | undefined;
  #lookingNext: Promise<Draw | undefined> | undefined;

  constructor(ledger: Ledger, options: DrawWatchOptions) {
    this.#ledger = ledger;
    this.#options = options;
    ledger.onChange(() => void this.look());
  }

  /**
   * Waits for the draw.
   *
   * @param abandoned Ends the wait.
   * @returns The draw, or nothing if the wait was ended.
   */
  async wait(abandoned: AbortSignal): Promise<Draw | undefined> {
    const { promise, resolve } = Promise.withResolvers<Draw | undefined>();
    const abandon = () => resolve(undefined);
    abandoned.addEventListener("abort", abandon, { once: true });
    // Registered before looking: a change in between must not go unnoticed.
    this.#waiters.add(resolve);
    void this.look();
    if (abandoned.aborted) abandon();
    const draw = await promise;
    abandoned.removeEventListener("abort", abandon);
    this.#waiters.delete(resolve);
    return draw;
  }

  /** Asks the ledger for the draw, and wakes the waiters if there is one. */
  look(): Promise<Draw | undefined> {
    if (this.#looking === undefined) {
      return this.#looking = this.#look().finally(() => this.#looking = undefined);
    }
    // The look in progress may have read the ledger before this change. Callers that arrive meanwhile share
    // one further look.
    return this.#lookingNext ??= this.#looking.then(() => {
      this.#lookingNext = undefined;
      return this.look();
    });
  }

  async #look(): Promise<Draw | undefined> {
    try {
      const draw = this.#draw ?? await this.#ledger.draw();
      if (draw === undefined) return undefined;
      if (this.#draw === undefined) {
        this.#draw = draw;
        const { log, winningNumber, onDraw } = this.#options;
        log.info("sorteo", "success", { numero_ganador: winningNumber });
        onDraw?.(draw);
      }
      for (const wake of this.#waiters) wake(draw);
      return draw;
    } catch (error) {
      this.#options.log.error("sorteo", "fail", { error: (error as Error).message });
    }
  }
}
