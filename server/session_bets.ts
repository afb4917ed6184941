/**
 * What a connection knows of the stored bets of its agencies.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import type { AuditLog } from "./audit/audit_log.ts";

/** Options of {@linkcode SessionBets}. */
export interface SessionBetsOptions {
  /** Agencies whose bets one connection counts. */
  agenciesPerConnectionMax: number;
  log: ActionLog;
  audit?: AuditLog;
}

/** What this connection has stored and refused for an agency, and has not been logged yet. */
interface Counted {
  batches: number;
  bets: number;
  /** Batches that were refused. */
  refused: number;
}

/** Counts bets by agency. Its memory is bounded. */
export class SessionBets {
  readonly #options: SessionBetsOptions;
  readonly #address: string;
  /** The stored bets that the peer knows of, for the agencies that it asked about. */
  readonly #expected = new Map<number, number>();
  readonly #counted = new Map<number, Counted>();

  /** @param address Address and port of the peer. */
  constructor(address: string, options: SessionBetsOptions) {
    this.#address = address;
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

  /** Counts a batch that was stored over this connection. */
  add(agency: number, count: number): void {
    const expected = this.#expected.get(agency);
    if (expected !== undefined) this.#expected.set(agency, expected + count);
    const counted = this.#countedOf(agency);
    counted.batches++;
    counted.bets += count;
  }

  /** Counts a batch that was refused. */
  refuse(agency: number): void {
    this.#countedOf(agency).refused++;
  }

  /** Logs and audits what was stored for each agency since the last call. */
  log(): void {
    const { audit, log } = this.#options;
    for (const [agency, counted] of this.#counted) {
      const { bets: cantidad } = counted;
      if (cantidad > 0) log.info("apuestas_almacenadas", "success", { agency, cantidad });
      audit?.served({ address: this.#address, agency, ...counted });
    }
    this.#counted.clear();
  }

  #countedOf(agency: number): Counted {
    let counted = this.#counted.get(agency);
    if (counted !== undefined) return counted;
    if (this.#isFull(this.#counted, agency)) this.log();
    counted = { batches: 0, bets: 0, refused: 0 };
    this.#counted.set(agency, counted);
    return counted;
  }

  #isFull(counts: ReadonlyMap<number, unknown>, agency: number): boolean {
    return counts.size >= this.#options.agenciesPerConnectionMax && !counts.has(agency);
  }
}
