/**
 * bets.csv on the shared volume: locked, recovered, appended to, and read.
 *
 * The lock order, written down here once: bets.csv first, then agencies_closed.txt. Bets are appended under
 * the first lock alone; an agency is closed under both. So no bet is written after its agency's close.
 *
 * @module
 */

import type { LedgerFigures } from "../figures.ts";
import { type Disk, type DiskFile, readFully, writeAll } from "../disk.ts";
import { movedMessage } from "./moved_file.ts";
import { FatalLedgerError, SyncFailedError } from "../fatal_error.ts";
import { FileLock, type FileLockOptions } from "./file_lock.ts";
import { inspectTail, type ReadAt, refuseHugeHole, sizeBeforeHole } from "./recovery.ts";
import { type DurableMark, type Round, RoundJournal } from "./round_journal.ts";
import { RowCounter, type RowCounterOptions } from "./row_counter.ts";
import { completeLastRow } from "./shortened_file.ts";
import { cutTail } from "./side_copy.ts";
import { DamagedRowError, type Tally, type Winners } from "../tally.ts";
import { BETS_FILE, JOURNAL_FILE } from "./volume_files.ts";

/**
 * A disk that syncs faster than this is synced in place: that saves the detour through a thread, and blocks
 * other connections for less time than a packet takes. A slower disk is synced in a thread.
 */
const SYNC_IN_PLACE_MS = 1;
/** So many slices of rows are counted while the lock is held, which takes a few milliseconds at most. */
const COUNTED_LOCKED_SLICES_MAX = 4;
/** How much of a torn end is examined, to log what it is. */
const LOOKED_AT_BYTES_MAX = 200;
/** How long the name bets.csv is trusted to lead to the open file. Acknowledgements are checked exactly. */
const NAME_TRUSTED_MS = 50;

/** Options of {@linkcode BetsFile}. */
export interface BetsFileOptions extends RowCounterOptions, Pick<FileLockOptions, "onFatal"> {
  /** Counts syncs, and waits for the lock. @default {nothing counts} */
  figures?: LedgerFigures;
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
  /** How often counted rows were taken back, so that what was derived from them is void. */
  generation = 0;
  /** The journal's counters, as last seen. */
  #cuts = -1;
  #recalls = -1;
  /** Position at which the last round appended here begins. */
  #roundStart = 0;
  /** Up to where rows were counted that other servers have written. */
  #foreignSize = 0;
  /** Bytes known to be durable. */
  #durableSize = 0;
  /** Moving average of the time that a sync takes. */
  #syncMs = SYNC_IN_PLACE_MS;

  constructor(disk: Disk, options: BetsFileOptions) {
    this.#disk = disk;
    this.#options = options;
    this.#file = disk.open(BETS_FILE);
    this.#journal = new RoundJournal(disk.open(JOURNAL_FILE));
    this.#tally = options.tally;
    this.#lock = new FileLock(this.#file, { name: BETS_FILE, ...options });
    this.#counter = new RowCounter(this.#file, options);
  }

  /** Bytes of the file that have been counted: the end of a row. */
  get size(): number {
    return this.#tally.size;
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
        if (isNear && this.#countLocked(wholeSize)) return { result: await work() };
        // Under the lock a row that seems damaged is damaged: this finds out.
        if (!isNear && !canCountUnlocked) this.#countSliceLocked(wholeSize);
        return { wholeSize };
      });
      if ("result" in outcome) return outcome.result!;
      canCountUnlocked = await this.#countUnlocked(outcome.wholeSize);
    }
  }

  /** Runs `work` under the lock after reading the journal, whatever the state of the file. */
  locked<Result>(work: () => Result): Promise<Result> {
    return this.#lock.hold(() => {
      this.#journal.read();
      return work();
    });
  }

  /**
   * Counts the rows of other servers while holding the lock only for a moment, so that the next holder has
   * few left to count, and writes down what is durable. Takes no lock if there is nothing to do.
   *
   * @throws {FatalLedgerError} If the file was moved or deleted, or is smaller than what was durable.
   */
  async follow(): Promise<void> {
    if (this.#file.size() === this.#tally.size) return await this.markDurable();
    await this.#countUnlocked(await this.#lock.hold(() => this.#recoverAndMark()));
  }

  /**
   * Appends rows and counts them, or does nothing: what a failing disk took of them is truncated. The lock
   * is held.
   *
   * @throws {FatalLedgerError} If not even the truncation was possible.
   */
  append(rows: Uint8Array): void {
    const from = this.#tally.size;
    this.#roundStart = from;
    this.#journal.begin({ from, to: from + rows.length, ...this.#counters() }, this.#newMark());
    try {
      writeAll(this.#file, rows, from);
    } catch (cause) {
      // Nobody has counted these rows: other servers need not read anything again.
      this.#truncateTo(from);
      throw new Error(`Cannot write ${BETS_FILE}: ${(cause as Error).message}`, { cause });
    }
    this.#tally.scan(rows);
  }

  /**
   * Makes all counted rows durable. The lock need not be held.
   *
   * @throws {SyncFailedError} If the sync fails. It must not be repeated: the kernel would report success.
   */
  async sync(): Promise<void> {
    const size = this.#tally.size;
    if (size <= this.#durableSize) return;
    const begin = performance.now();
    try {
      if (this.#syncMs < SYNC_IN_PLACE_MS) this.#file.syncNow();
      else await this.#file.sync();
    } catch (cause) {
      throw new SyncFailedError(
        `Cannot sync ${BETS_FILE}: the disk has failed to sync it (${(cause as Error).message}). ` +
          "Check the disk before you start this server again",
        { cause },
      );
    }
    // One slow sync among fast ones does not make a slow disk.
    const tookMs = performance.now() - begin;
    this.#syncMs = 0.9 * this.#syncMs + 0.1 * tookMs;
    this.#options.figures?.syncSeconds.observe(tookMs / 1000);
    this.#durableSize = size;
  }

  /**
   * Makes sure that the rows just synced are in the file that others see: somebody may have moved it and put a
   * copy in its place that lacks them.
   *
   * @throws {FatalLedgerError} If the name leads to another file.
   */
  assertInPlace(): void {
    if (!this.#file.isCurrent(0)) throw new FatalLedgerError(movedMessage(BETS_FILE));
  }

  /** What was durable, as last read from the journal or written to it. */
  get mark(): DurableMark {
    return this.#journal.mark;
  }

  /** Writes down the durable part of agencies_closed.txt. The lock is held. */
  markClosed(closed: Pick<DurableMark, "closed" | "closedSum">): void {
    this.#journal.writeMark({ ...this.#newMark(), ...closed });
  }

  /** Writes down what is durable, if that is not written down yet. */
  async markDurable(): Promise<void> {
    if (this.#durableSize <= this.mark.bets) return;
    await this.#lock.hold(() => this.#recoverAndMark());
  }

  /**
   * Makes sure that counted rows of other servers stay: one whose own sync fails takes its last rows back,
   * unless the mark says that they are durable.
   *
   * @returns Whether they stay. If not, count again.
   */
  async confirm(): Promise<boolean> {
    if (this.#foreignSize <= this.mark.bets) return true;
    const { generation } = this;
    await this.markDurable();
    return generation === this.generation;
  }

  /**
   * Takes back the rows of the last append, whose sync has failed, unless another server has written after
   * them or made them durable. In that case it writes them again in the same place: the kernel has forgotten
   * that they never reached the disk, and the other server's next sync must not skip them.
   *
   * @returns Whether they were taken back.
   */
  takeBack(rows: Uint8Array): Promise<boolean> {
    const from = this.#roundStart;
    return this.#lock.hold(() => {
      // Another server may have truncated the file meanwhile: its truncations count too.
      const round = this.#journal.read();
      if (round !== undefined) this.#remember(round);
      const isLast = this.#file.size() === from + rows.length;
      // Another server has synced them, and may have counted them in an answer.
      const isDurable = this.mark.bets > from;
      if (isLast && !isDurable) {
        // Announced first: the file must never end before the last round begins.
        this.#journal.begin({ from, to: from + rows.length, ...this.#counters() });
        this.#recalls++;
        this.#truncateTo(from);
        return true;
      }
      writeAll(this.#file, rows, from);
      return false;
    });
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

  /** Counts the last rows; returns whether they are counted, or a hole was truncated instead. */
  #countLocked(wholeSize: number): boolean {
    while (this.#tally.size < wholeSize) {
      if (!this.#countSliceLocked(wholeSize)) return false;
    }
    this.#counter.endAudit();
    return true;
  }

  #countSliceLocked(wholeSize: number): boolean {
    try {
      this.#counter.countSlice(wholeSize);
      this.#foreignSize = this.#tally.size;
      return true;
    } catch (error) {
      if (error instanceof DamagedRowError && this.#truncateHole(error.offset)) return false;
      throw error;
    }
  }

  /** Truncates the file before a hole that a power cut has left; returns whether there is one. */
  #truncateHole(rowStart: number): boolean {
    const size = this.#file.size();
    const round = this.#journal.read();
    const wholeSize = sizeBeforeHole(rowStart, { size, round, read: this.read });
    if (wholeSize === undefined || wholeSize < this.mark.bets) return false;
    this.#repair({ size, wholeSize, why: "a power cut has left a hole of zeros" });
    if (wholeSize < this.#tally.size) this.#countAgain();
    return true;
  }

  /**
   * Recovers from an interrupted write, and clears the tally if rows that it counted are gone. The lock is
   * held.
   *
   * @returns The size of the file afterwards. Nobody writes before that position, except to truncate.
   */
  #recover(): number {
    this.#assertCurrent(NAME_TRUSTED_MS);
    const size = this.#file.size();
    const round = this.#journal.read();
    const durableSize = Math.max(this.mark.bets, this.#durableSize);
    const { state, wholeSize } = inspectTail(size, round, {
      read: this.read,
      knownSize: this.#tally.size,
      durableSize,
      onHugeHole: refuseHugeHole,
    });
    if (state === "shortened") {
      const { rules, log } = this.#options;
      completeLastRow(this.#file, { size, durableSize, rules, log });
      return durableSize;
    }
    const isRecalled = round?.recalls !== this.#recalls;
    if (round !== undefined && round.cuts !== this.#cuts && round.from === round.to) {
      // Its writer may have been killed before the record of the truncation was durable.
      this.#journal.recordCut(round.to, round);
    }
    this.#remember(round ?? { cuts: 0, recalls: 0 });
    if (isRecalled || wholeSize < this.#tally.size) this.#countAgain();
    const isJournalStale = round === undefined || size < round.to;
    if (wholeSize < size || isJournalStale) {
      this.#assertCurrent(0);
      const isTorn = state === "torn";
      this.#repair({ size, wholeSize, why: "the last round is incomplete", isTorn });
    }
    return wholeSize;
  }

  #recoverAndMark(): number {
    const wholeSize = this.#recover();
    if (this.#durableSize > this.mark.bets) this.#journal.writeMark(this.#newMark());
    return wholeSize;
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

  #newMark(): DurableMark {
    const { mark } = this;
    return { ...mark, bets: Math.max(mark.bets, this.#durableSize) };
  }

  #countAgain(): void {
    this.#tally.clear();
    this.#durableSize = this.#foreignSize = 0;
    this.generation++;
  }

  #counters(): Pick<Round, "cuts" | "recalls"> {
    return { cuts: Math.max(0, this.#cuts), recalls: Math.max(0, this.#recalls) };
  }

  #remember({ cuts, recalls }: Pick<Round, "cuts" | "recalls">): void {
    this.#cuts = cuts;
    this.#recalls = recalls;
  }

  /** Truncates the file to `wholeSize` after copying what follows, or only rewrites a stale journal. */
  #repair(tail: { size: number; wholeSize: number; why: string; isTorn?: boolean }): void {
    const { size, wholeSize, why, isTorn = false } = tail;
    if (wholeSize === size) return this.#truncateTo(wholeSize);
    const start = new Uint8Array(Math.min(size - wholeSize, LOOKED_AT_BYTES_MAX));
    readFully(this.#file, start, wholeSize);
    const truncate = () => this.#truncateTo(wholeSize);
    const copy = cutTail(this.#disk, this.#file, { from: wholeSize, isTorn, truncate });
    this.#options.log.warning("repair", "success", {
      file: BETS_FILE,
      cut_bytes: size - wholeSize,
      offset: wholeSize,
      // The copy has the bytes; they may be names and documents.
      begins: start.some((byte) => byte !== 0) ? "rows" : "zeros",
      copy,
      why,
    });
  }

  #truncateTo(size: number): void {
    try {
      if (this.#file.size() > size) {
        this.#file.truncate(size);
        // A power cut must not bring back what has been refused by then.
        this.#file.syncNow();
      }
      this.#cuts = this.#counters().cuts + 1;
      this.#journal.recordCut(size, this.#counters());
    } catch (cause) {
      throw new FatalLedgerError(
        `Cannot truncate ${BETS_FILE} to ${size} bytes: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}
