/**
 * bets.csv on the shared volume: locked, recovered, appended to, and read.
 *
 * The lock order, written down here once: bets.csv first, then agencies_closed.txt or bets.csv.checkpoint. Bets
 * are appended under the first lock alone; an agency is closed under the first two. So no bet is written after
 * its agency's close.
 *
 * @module
 */

import type { LedgerFigures } from "../figures.ts";
import { type Disk, type DiskFile, writeAll } from "../disk.ts";
import { movedMessage } from "./moved_file.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import type { KnownRows } from "./checkpoint_file.ts";
import { EPOCH_ENDED } from "./checkpoints.ts";
import { FileLock, type FileLockOptions } from "./file_lock.ts";
import { inspectTail, type ReadAt, refuseHugeHole } from "./recovery.ts";
import { type ClosedMark, NO_EARLIER_SERVER, type Round, RoundJournal } from "./round_journal.ts";
import { RowCounter, type RowCounterOptions } from "./row_counter.ts";
import { completeLastRow } from "./shortened_file.ts";
import { cutSpans } from "./side_copy.ts";
import type { Tally, Winners } from "../tally.ts";
import { BETS_FILE, JOURNAL_FILE } from "./volume_files.ts";
import { beginsOf } from "./volume_recovery.ts";

/** Slices of rows that are counted at a time while the lock is held: a few milliseconds at most. */
const COUNTED_LOCKED_SLICES_MAX = 4;
/** How long the name bets.csv is trusted to lead to the open file. Acknowledgements are checked exactly. */
const NAME_TRUSTED_MS = 50;

/** Options of {@linkcode BetsFile}. */
export interface BetsFileOptions extends RowCounterOptions, Pick<FileLockOptions, "onFatal"> {
  /** Counts waits for the lock. @default {nothing counts} */
  figures?: LedgerFigures;
  /** Bytes that are durable or recorded, as far as this server knows: they must be there. @default {none} */
  knownSize?: () => number;
  /** Whether a redo log holds the round that begins at a position. @default {none does} */
  isRecorded?: (from: number) => boolean;
}

/** The files that are used under the lock of bets.csv. */
export interface LockedBets {
  bets: DiskFile;
  journal: RoundJournal;
}

/**
 * The file of bets, and the tally of the rows in it. It has one user at a time in this process; the lock
 * keeps other processes out.
 */
export class BetsFile {
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #journal: RoundJournal;
  readonly #tally: Tally;
  readonly #options: BetsFileOptions;
  readonly #lock: FileLock;
  readonly #counter: RowCounter;
  /** Reads the file. Rows up to {@linkcode size} may be read without the lock. */
  readonly read: ReadAt = (bytes, position) => this.#file.read(bytes, position);
  #epoch = 0;
  /** Up to where rows were counted that other servers have written. */
  #foreignSize = 0;

  constructor(disk: Disk, options: BetsFileOptions) {
    this.#disk = disk;
    this.#options = options;
    this.#file = disk.open(BETS_FILE);
    this.#journal = new RoundJournal(disk.open(JOURNAL_FILE));
    this.#tally = options.tally;
    this.#lock = new FileLock(this.#file, { name: BETS_FILE, ...options });
    this.#counter = new RowCounter(this.#file, options);
  }

  /**
   * Begins an epoch: rounds that were announced in another one no longer count.
   *
   * @param found The epoch, and which rows need no judgment if they are still the same.
   */
  begin({ epoch, known }: { epoch: number; known: KnownRows }): void {
    this.#epoch = epoch;
    this.#counter.begin(known);
  }

  /** Bytes of the file that have been counted: the end of a row. */
  get size(): number {
    return this.#tally.size;
  }

  /** Up to where rows were counted that other servers have written, and perhaps not made durable. */
  get foreignSize(): number {
    return this.#foreignSize;
  }

  /** The rows that this server has written or judged, from the first one on. */
  get known(): KnownRows {
    return this.#counter.known;
  }

  /** Counted bets of an agency. */
  count(agency: number): number {
    return this.#tally.count(agency);
  }

  /** The winners among the counted rows. Later rows do not change what was returned. */
  winners(): Winners {
    return this.#tally.winners();
  }

  /**
   * Runs `work` under the lock, after recovering from interrupted writes and counting the rows of other
   * servers.
   *
   * @throws {FatalLedgerError} If the file was moved or deleted, or is smaller than what was durable.
   * @throws {DamagedRowError} If a row is invalid.
   */
  async exclusively<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    for (let canCountUnlocked = true;;) {
      const outcome = await this.#lock.hold(async () => {
        const wholeSize = this.#recover();
        const { size, room } = this.#tally;
        const isNear = wholeSize - size <= COUNTED_LOCKED_SLICES_MAX * room.length;
        if (isNear) {
          this.#countLocked(wholeSize);
          return { result: await work() };
        }
        // Under the lock a row that seems damaged is damaged: this finds out.
        if (!canCountUnlocked) this.#countSliceLocked(wholeSize);
        return { wholeSize };
      });
      if ("result" in outcome) return outcome.result!;
      canCountUnlocked = await this.#countUnlocked(outcome.wholeSize);
    }
  }

  /** Runs `work` under the lock after reading the journal, whatever the state of the file. */
  locked<Result>(work: (files: LockedBets) => Result | Promise<Result>): Promise<Result> {
    return this.#lock.hold(() => {
      this.#journal.read();
      return work({ bets: this.#file, journal: this.#journal });
    });
  }

  /**
   * Counts the rows of other servers while holding the lock only for a moment, so that the next holder has
   * few left to count. Takes no lock if there are none.
   *
   * @throws {FatalLedgerError} If the file was moved or deleted, or is smaller than what was durable.
   */
  async follow(): Promise<void> {
    if (this.#file.size() === this.#tally.size) return;
    await this.#countUnlocked(await this.#lock.hold(() => this.#recover()));
  }

  /**
   * Appends rows and counts them, or does nothing: what a failing disk has written of them is truncated. The lock is
   * held.
   *
   * @returns Where the rows begin.
   * @throws {FatalLedgerError} If not even the truncation was possible.
   */
  append(rows: Uint8Array): number {
    const from = this.#tally.size;
    this.#announce(from, from + rows.length);
    try {
      writeAll(this.#file, rows, from);
    } catch (cause) {
      // Nobody has counted these rows: other servers need not read anything again.
      this.#truncateTo(from);
      throw new Error(`Cannot write ${BETS_FILE}: ${(cause as Error).message}`, { cause });
    }
    this.#counter.countOwn(rows);
    return from;
  }

  /**
   * Makes sure that the rows just stored are in the file that others see: somebody may have moved it and put a
   * copy in its place that lacks them.
   *
   * @throws {FatalLedgerError} If the name leads to another file.
   */
  assertInPlace(): void {
    if (!this.#file.isCurrent(0)) throw new FatalLedgerError(movedMessage(BETS_FILE));
  }

  /** Judges the rows that other servers have written since the start. Needs no lock. */
  judgeForeignRows(): Promise<void> {
    return this.#counter.judgeForeignRows();
  }

  /** What was durable of agencies_closed.txt, as last read from the journal or written to it. */
  get mark(): ClosedMark {
    return this.#journal.mark;
  }

  /** Records the durable part of agencies_closed.txt. The lock is held. */
  markClosed(closed: ClosedMark): void {
    this.#journal.writeMark(closed);
  }

  close(): void {
    this.#file.close();
    this.#journal.close();
  }

  async #countUnlocked(wholeSize: number): Promise<boolean> {
    const isCounted = await this.#counter.countUnlocked(wholeSize);
    this.#foreignSize = Math.max(this.#foreignSize, this.#tally.size);
    return isCounted;
  }

  #countLocked(wholeSize: number): void {
    while (this.#tally.size < wholeSize) this.#countSliceLocked(wholeSize);
    this.#counter.endAudit();
  }

  #countSliceLocked(wholeSize: number): void {
    this.#counter.countSlice(wholeSize);
    this.#foreignSize = this.#tally.size;
  }

  /**
   * Recovers from a write that its server did not finish. The lock is held.
   *
   * @returns The size of the file afterwards. Nobody writes before that position: a round that is whole stays.
   */
  #recover(): number {
    this.#assertCurrent(NAME_TRUSTED_MS);
    const size = this.#file.size();
    const round = this.#readRound();
    const knownSize = Math.max(
      this.#tally.size,
      this.#options.knownSize?.() ?? 0,
      round?.from ?? 0,
    );
    if (size < knownSize) return this.#completeLastRow(size, knownSize);
    const { state, wholeSize } = inspectTail(size, round, {
      read: this.read,
      knownSize: this.#tally.size,
      durableSize: knownSize,
      onHugeHole: refuseHugeHole,
    });
    if (state === "torn" && this.#options.isRecorded?.(wholeSize)) {
      return this.#completeLastRow(size, round!.to);
    }
    if (wholeSize < size) {
      this.#assertCurrent(0);
      this.#cut({ size, wholeSize, isTorn: state === "torn" });
    } else if (round === undefined || size !== round.to) this.#announce(size, size);
    return wholeSize;
  }

  /**
   * Reads the round that was announced last in this epoch.
   *
   * @throws {FatalLedgerError} If another server has begun a new epoch, or one of an earlier version writes.
   */
  #readRound(): Round | undefined {
    const { round, earlier } = this.#journal.read();
    if (earlier !== undefined) throw new FatalLedgerError(NO_EARLIER_SERVER);
    if (round !== undefined && round.epoch !== this.#epoch) throw new FatalLedgerError(EPOCH_ENDED);
    return round;
  }

  /** Adds a line end that an editor has dropped; throws if more is missing. */
  #completeLastRow(size: number, durableSize: number): number {
    const { rules, log } = this.#options;
    completeLastRow(this.#file, { size, durableSize, rules, log });
    return durableSize;
  }

  /**
   * Makes sure that both files are the ones that other servers use.
   *
   * @throws {FatalLedgerError} If a name leads to another file.
   */
  #assertCurrent(maxAgeMs: number): void {
    if (!this.#file.isCurrent(maxAgeMs)) throw new FatalLedgerError(movedMessage(BETS_FILE));
    if (!this.#journal.isCurrent(maxAgeMs)) throw new FatalLedgerError(movedMessage(JOURNAL_FILE));
  }

  #announce(from: number, to: number, cuts = this.#journal.round?.cuts ?? 0): void {
    this.#journal.begin({ epoch: this.#epoch, from, to, cuts });
  }

  /** Truncates the file to `wholeSize` after copying what follows. */
  #cut({ size, wholeSize, isTorn }: { size: number; wholeSize: number; isTorn: boolean }): void {
    const span = { from: wholeSize, to: size };
    const begins = beginsOf(this.#file, span);
    const copy = cutSpans(this.#disk, this.#file, {
      spans: [span],
      cut: () => this.#truncateTo(wholeSize),
      mustCopy: !isTorn,
    });
    this.#options.log.warning("repair", "success", {
      file: BETS_FILE,
      cut_bytes: size - wholeSize,
      offset: wholeSize,
      // The copy has the bytes; they may be names and documents.
      begins,
      copy,
      why: "the last round is incomplete",
    });
  }

  #truncateTo(size: number): void {
    try {
      if (this.#file.size() > size) this.#file.truncate(size);
      this.#announce(size, size, (this.#journal.round?.cuts ?? 0) + 1);
    } catch (cause) {
      throw new FatalLedgerError(
        `Cannot truncate ${BETS_FILE} to ${size} bytes: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}
