/**
 * Counts the rows of bets.csv into the tally, in slices, so that neither the event loop nor the lock is kept for
 * long however much there is to read.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import type { RowRules } from "../bet_row.ts";
import { readFully } from "../disk.ts";
import type { DiskFile } from "../disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { RowAudit } from "./row_audit.ts";
import { Courtesy } from "../courtesy.ts";
import type { Tally } from "../tally.ts";
import { BETS_FILE } from "./volume_files.ts";

/** How often a long reading is logged. */
const READING_LOG_MS = 2000;

/** Options of {@linkcode RowCounter}. */
export interface RowCounterOptions {
  tally: Tally;
  /** Judges the rows that are there at the start. */
  rules: RowRules;
  log: ActionLog;
}

/** Reads rows and counts them. */
export class RowCounter {
  readonly #file: DiskFile;
  readonly #options: RowCounterOptions;
  /** Judges rows until {@linkcode endAudit}. */
  #audit: RowAudit | undefined;

  constructor(file: DiskFile, options: RowCounterOptions) {
    this.#file = file;
    this.#options = options;
    this.#audit = new RowAudit(options.rules, options.tally.room.length);
  }

  /** Ends the judgment of rows: those that follow are written by servers. */
  endAudit(): void {
    this.#audit = undefined;
  }

  /**
   * Counts rows up to `wholeSize` without the lock, and yields to others between slices.
   *
   * @returns Whether it got that far. The file may be truncated and rewritten meanwhile, so that a row that seems
   * damaged need not be.
   */
  async countUnlocked(wholeSize: number): Promise<boolean> {
    const { log, tally } = this.#options;
    const courtesy = new Courtesy();
    let loggedMs = performance.now();
    try {
      while (tally.size < wholeSize) {
        this.countSlice(wholeSize);
        await courtesy.giveWay();
        if (performance.now() - loggedMs < READING_LOG_MS) continue;
        loggedMs = performance.now();
        const progress = { read_bytes: tally.size, of_bytes: wholeSize };
        log.info("ledger", "in_progress", { file: BETS_FILE, ...progress });
      }
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Counts the next rows, up to `wholeSize` at most.
   *
   * @throws {DamagedRowError} If the first of them is invalid.
   * @throws {FatalLedgerError} If no row ends there.
   */
  countSlice(wholeSize: number): void {
    const { tally, rules } = this.#options;
    const wanted = tally.room.subarray(0, wholeSize - tally.size);
    const length = readFully(this.#file, wanted, tally.size);
    const invalid = this.#audit?.firstInvalidRow(wanted.subarray(0, length)) ?? -1;
    if (tally.take(invalid < 0 ? length : invalid) > 0) return;
    if (invalid >= 0) throw tally.damagedAt(invalid, rules);
    throw new FatalLedgerError(
      `Cannot read ${BETS_FILE}: no row ends within ${length} bytes of byte ${tally.size}`,
    );
  }
}
