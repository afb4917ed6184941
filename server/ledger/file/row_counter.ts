/**
 * Counts the rows of bets.csv into the tally, in slices, so that neither the event loop nor the lock is kept for
 * long however much there is to read.
 *
 * The rows that are there when a server starts are judged: somebody may have edited them since servers wrote them.
 * Those whose CRC-32 a server has left are only read, and judged if it is another one now.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { LINE_FEED } from "../../../shared/ascii.ts";
import type { ActionLog } from "../../../shared/logging.ts";
import type { RowRules } from "../bet_row.ts";
import { readFully } from "../disk.ts";
import type { DiskFile } from "../disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { RowAudit } from "./row_audit.ts";
import { Courtesy } from "../courtesy.ts";
import type { Tally } from "../tally.ts";
import { type KnownRows, NO_KNOWN_ROWS } from "./checkpoint_file.ts";
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
  /** The rows that are being counted without judgment. */
  #expected = NO_KNOWN_ROWS;
  /** CRC-32 of the counted rows, as long as this server has written or judged all of them. */
  #crc = 0;
  /** The rows before the first one that another server has written, and that nobody has judged. */
  #judged: KnownRows | undefined;

  constructor(file: DiskFile, options: RowCounterOptions) {
    this.#file = file;
    this.#options = options;
    this.#audit = this.#newAudit();
  }

  /**
   * Begins to count.
   *
   * @param known The rows that need no judgment if they are still the same.
   */
  begin(known: KnownRows): void {
    this.#expected = known;
  }

  /** Ends the judgment of rows: those that follow are written by servers. */
  endAudit(): void {
    this.#audit = undefined;
  }

  /** The rows that this server has written or judged, from the first one on. */
  get known(): KnownRows {
    if (this.#expected.size > 0) return NO_KNOWN_ROWS;
    return this.#judged ?? this.#counted;
  }

  get #counted(): KnownRows {
    return { size: this.#options.tally.size, crc: this.#crc };
  }

  /** Counts rows that this server has written. */
  countOwn(rows: Uint8Array): void {
    this.#options.tally.scan(rows);
    this.#addToCrc(rows);
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
   * Counts the next rows, up to `wholeSize` at most. If known rows turn out to be others, begins again from the
   * first row of the file.
   *
   * @throws {DamagedRowError} If the first of them is invalid.
   * @throws {FatalLedgerError} If no row ends there.
   */
  countSlice(wholeSize: number): void {
    const { size, crc } = this.#expected;
    if (size === 0) {
      if (this.#audit === undefined) this.#judged ??= this.#counted;
      return this.#countSlice(wholeSize, this.#audit);
    }
    try {
      this.#countSlice(Math.min(wholeSize, size));
    } catch {
      return this.#judgeAll();
    }
    if (this.#options.tally.size < size) return;
    if (this.#crc !== crc) return this.#judgeAll();
    this.#expected = NO_KNOWN_ROWS;
  }

  #countSlice(wholeSize: number, audit?: RowAudit): void {
    const { tally, rules } = this.#options;
    const from = tally.size;
    const wanted = tally.room.subarray(0, wholeSize - from);
    const length = readFully(this.#file, wanted, from);
    const invalid = audit?.firstInvalidRow(wanted.subarray(0, length)) ?? -1;
    const counted = tally.take(invalid < 0 ? length : invalid);
    this.#addToCrc(wanted.subarray(0, counted));
    if (counted > 0) return;
    if (invalid >= 0) throw tally.damagedAt(invalid, rules);
    throw new FatalLedgerError(
      `Cannot read ${BETS_FILE}: no row ends within ${length} bytes of byte ${from}`,
    );
  }

  #addToCrc(rows: Uint8Array): void {
    if (this.#judged === undefined) this.#crc = crc32(rows, this.#crc);
  }

  /** Begins again, and judges every row: they are not those that servers have left. */
  #judgeAll(): void {
    const { log, tally } = this.#options;
    const why = "the file is not as servers have left it: all its rows are checked";
    log.warning("ledger", "in_progress", { file: BETS_FILE, why });
    tally.clear();
    this.#crc = 0;
    this.#expected = NO_KNOWN_ROWS;
  }

  /**
   * Judges the rows that other servers have written since the start, so that they are {@linkcode known} too.
   * If one of them is invalid, the next server finds out.
   */
  async judgeForeignRows(): Promise<void> {
    if (this.#judged === undefined) return;
    const { tally } = this.#options;
    const audit = this.#newAudit();
    const courtesy = new Courtesy();
    const slice = new Uint8Array(tally.room.length);
    let { size: at, crc } = this.#judged;
    while (at < tally.size) {
      const length = readFully(this.#file, slice.subarray(0, tally.size - at), at);
      const rows = slice.subarray(0, slice.lastIndexOf(LINE_FEED, length - 1) + 1);
      if (rows.length === 0 || audit.firstInvalidRow(rows) >= 0) return;
      at += rows.length;
      crc = crc32(rows, crc);
      await courtesy.giveWay();
    }
    this.#crc = crc;
    this.#judged = undefined;
  }

  #newAudit(): RowAudit {
    const { rules, tally } = this.#options;
    return new RowAudit(rules, tally.room.length);
  }
}
