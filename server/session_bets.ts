/**
 * What a connection knows of the stored bets of its agencies.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";

/** Options of {@linkcode SessionBets}. */
export interface SessionBetsOptions {
  /** Agencies whose bets one connection counts. */
  agenciesPerConnectionMax: number;
  log: ActionLog;
}

/** Counts bets by agency. Its memory is bounded. */
export class SessionBets {
  readonly #options: SessionBetsOptions;
  /** The stored bets that the peer knows of, for the agencies that it asked about. */
  readonly #expected = new Map<number, number>();
  /** The bets stored over this connection that have not been logged yet. */
  readonly #stored = new Map<number, number>();

  constructor(options: SessionBetsOptions) {
    this.#options = options;
  }

  /** How many stored bets of an agency the peer knows of; nothing if it has not asked. */
  expected(agency: number): number | undefined {
    return this.#expected.get(agency);
  }

  /**
   * Keeps the number of an agency's bets that the peer now knows.
   *
   * @returns Whether there was room for it. If not, the connection has to end: forgetting any number would let
   * a batch be stored twice.
   */
  expect(agency: number, bets: number): boolean {
    if (this.#isFull(this.#expected, agency)) return false;
    this.#expected.set(agency, bets);
    return true;
  }

  /** Counts bets that were stored over this connection. */
  add(agency: number, count: number): void {
    const expected = this.#expected.get(agency);
    if (expected !== undefined) this.#expected.set(agency, expected + count);
    if (this.#isFull(this.#stored, agency)) this.log();
    this.#stored.set(agency, (this.#stored.get(agency) ?? 0) + count);
  }

  /** Logs how many bets were stored for each agency since the last call. */
  log(): void {
    for (const [agency, cantidad] of this.#stored) {
      this.#options.log.info("apuestas_almacenadas", "success", { agency, cantidad });
    }
    this.#stored.clear();
  }

  #isFull(counts: ReadonlyMap<number, number>, agency: number): boolean {
    return counts.size >= this.#options.agenciesPerConnectionMax && !counts.has(agency);
  }
}
