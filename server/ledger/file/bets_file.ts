/**
 * bets.csv on the shared volume: locked, recovered, appended to, and read.
 *
 * The lock order, written down here once: bets.csv first, then agencies_closed.txt. Bets are appended under
 * the first lock alone; an agency is closed under both. So no bet is written after its agency's close.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { type Disk, type DiskFile, readFully, writeAll } from "./disk.ts";
import { explainRow, ROW_BYTES_MAX } from "./bet_row.ts";
import { FatalLedgerError } from "./fatal_error.ts";
import { FileLock } from "./file_lock.ts";
import { inspectTail, type ReadAt, sizeBeforeHole } from "./recovery.ts";
import { type DurableMark, type Round, RoundJournal } from "./round_journal.ts";
import { RowCounter, type RowCounterOptions } from "./row_counter.ts";
import { copyTail } from "./side_copy.ts";
import { DamagedRowError, type Tally, type Winners } from "./tally.ts";
import { BETS_FILE, JOURNAL_FILE } from "./volume_files.ts";

/**
 * A disk that syncs faster than this is synced in place: that saves the detour through a thread, and blocks
 * other connections for less time than a packet takes. A slower disk is synced in a thread.
 */
const SYNC_IN_PLACE_MS = 1;
/** Rows up to this size are counted while the lock is held, which takes a few milliseconds at most. */
const COUNTED_LOCKED_BYTES_MAX = 1024 * 1024;
/** Longest part of a torn end that is looked at, to say in the log what it is. */
const LOOKED_AT_BYTES_MAX = 200;
/** How long the name bets.csv is trusted to lead to the open file. Acknowledgements are checked exactly. */
const NAME_TRUSTED_MS = 50;

const MOVED = `Cannot go on: ${BETS_FILE} was moved or deleted while this server was running. ` +
  "Stop all servers before you touch the shared volume";

/** Options of {@linkcode BetsFile}. */
export interface BetsFileOptions extends RowCounterOptions {
  /** Called when the lock cannot be released: only the end of the process releases it then. */
  onFatal: (error: FatalLedgerError) => void;
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
    const { log, onFatal } = options;
    this.#lock = new FileLock(this.#file, { name: BETS_FILE, log, onFatal });
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
        const isNear = wholeSize - this.#tally.size <= COUNTED_LOCKED_BYTES_MAX;
        if (isNear && this.#countLocked(wholeSize)) return { result: await work() };
        // Under the lock a row that seems damaged is damaged: this finds out.
        if (!isNear && !canCountUnlocked) this.#countSliceLocked(wholeSize);
        return { wholeSize };
      });
      if ("result" in outcome) return outcome.result!;
      canCountUnlocked = await this.#counter.countUnlocked(outcome.wholeSize);
    }
  }

  /** Runs `work` under the lock, whatever the state of the file. */
  locked<Result>(work: () => Result): Promise<Result> {
    return this.#lock.hold(work);
  }

  /**
   * Counts the rows of other servers while holding the lock only for a moment, so that the next holder has
   * few left to count.
   *
   * @throws {FatalLedgerError} If the file was moved or deleted, or is smaller than what was durable.
   */
  async follow(): Promise<void> {
    if (this.#file.size() === this.#tally.size) return;
    await this.#counter.countUnlocked(await this.#lock.hold(() => this.#recover()));
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
    this.#journal.begin({ from, to: from + rows.length, ...this.#counters() });
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
   * @throws {FatalLedgerError} If the sync fails. It must not be repeated: the kernel would report success.
   */
  async sync(): Promise<void> {
    const size = this.#tally.size;
    if (size <= this.#durableSize) return;
    const begin = performance.now();
    try {
      if (this.#syncMs < SYNC_IN_PLACE_MS) this.#file.syncNow();
      else await this.#file.sync();
    } catch (cause) {
      throw new FatalLedgerError(
        `Cannot sync ${BETS_FILE}: the disk has failed to sync it (${(cause as Error).message}). ` +
          "Check the disk before you start this server again",
        { cause },
      );
    }
    // One slow sync among fast ones does not make a slow disk.
    const tookMs = performance.now() - begin;
    this.#syncMs = 0.9 * this.#syncMs + 0.1 * tookMs;
    this.#durableSize = size;
  }

  /**
   * Makes sure that the rows just synced are in the file that others see: somebody may have moved it and put a
   * copy in its place that lacks them.
   *
   * @throws {FatalLedgerError} If the name leads to another file.
   */
  assertInPlace(): void {
    if (!this.#file.isCurrent(0)) throw new FatalLedgerError(MOVED);
  }

  /** Writes down what is durable, in case the file is found smaller one day. Failing to is no harm. */
  markDurable(closedSize: number): void {
    try {
      const { bets, closed } = this.#journal.readMark();
      const mark: DurableMark = {
        bets: Math.max(bets, this.#durableSize),
        closed: Math.max(closed, closedSize),
      };
      if (mark.bets > bets || mark.closed > closed) this.#journal.writeMark(mark);
    } catch {
      // The mark stays as it was: a weaker check.
    }
  }

  /** Bytes of agencies_closed.txt that were durable, by the journal. */
  durableClosedSize(): number {
    return this.#journal.readMark().closed;
  }

  /**
   * Takes back the rows of the last append, whose sync has failed, unless another server has written after
   * them. In that case it writes them again in the same place: the kernel has forgotten that they never
   * reached the disk, and the other server's next sync must not skip them.
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
      if (isLast) {
        // Announced first: the file must never end before the last round begins.
        this.#journal.begin({ from, to: from + rows.length, ...this.#counters() });
        this.#recalls++;
        this.#truncateTo(from);
      } else writeAll(this.#file, rows, from);
      return isLast;
    });
  }

  close(): void {
    this.#file.close();
    this.#journal.close();
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
    if (wholeSize === undefined || wholeSize < this.#journal.readMark().bets) return false;
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
    if (!this.#file.isCurrent(NAME_TRUSTED_MS)) throw new FatalLedgerError(MOVED);
    const size = this.#file.size();
    const round = this.#journal.read();
    // What this server has counted and synced needs no look at the mark.
    const durableSize = size < this.#tally.size || this.#cuts < 0
      ? Math.max(this.#journal.readMark().bets, this.#durableSize)
      : this.#durableSize;
    const { state, wholeSize } = inspectTail(size, round, {
      read: this.read,
      knownSize: this.#tally.size,
      durableSize,
    });
    if (state === "shortened") return this.#completeOrFail(size, durableSize);
    const isRecalled = round?.recalls !== this.#recalls;
    if (round !== undefined && round.cuts !== this.#cuts && round.from === round.to) {
      // Its writer may have been killed before the record of the truncation was durable.
      this.#journal.recordCut(round.to, round);
    }
    this.#remember(round ?? { cuts: 0, recalls: 0 });
    if (isRecalled || wholeSize < this.#tally.size) this.#countAgain();
    const isJournalStale = round === undefined || size < round.to;
    if (wholeSize < size || isJournalStale) {
      this.#repair({ size, wholeSize, why: "the last round is incomplete" });
    }
    return wholeSize;
  }

  /** Adds the line end of the last row if nothing else is missing. */
  #completeOrFail(size: number, durableSize: number): number {
    if (size + 1 === durableSize && this.#isRowUnterminated(size)) {
      writeAll(this.#file, new Uint8Array([LINE_FEED]), size);
      this.#file.syncNow();
      this.#options.log.warning("repair", "success", {
        file: BETS_FILE,
        offset: size,
        why: "the last row had lost its line end",
      });
      return durableSize;
    }
    throw new FatalLedgerError(
      `Cannot use ${BETS_FILE}: it has ${size} bytes and ${this.#countLines(size)} lines, but ` +
        `${durableSize} bytes were durable. Rows were removed, or an older copy was put in its place. ` +
        "Nothing was changed. Restore the volume from a backup, or accept the loss with " +
        "./denow task check --accept-loss",
    );
  }

  #isRowUnterminated(size: number): boolean {
    const { wholeSize } = inspectTail(size, undefined, { read: this.read });
    if (size - wholeSize >= ROW_BYTES_MAX || size === wholeSize) return false;
    const row = new Uint8Array(size - wholeSize);
    readFully(this.#file, row, wholeSize);
    return explainRow(row, this.#options.rules) === undefined;
  }

  #countLines(size: number): number {
    const chunk = new Uint8Array(COUNTED_LOCKED_BYTES_MAX);
    let lines = 0;
    for (let at = 0; at < size;) {
      const length = readFully(this.#file, chunk, at);
      if (length === 0) break;
      const bytes = chunk.subarray(0, length);
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, end + 1)) {
        lines++;
      }
      at += length;
    }
    return lines;
  }

  #countAgain(): void {
    this.#tally.clear();
    this.#durableSize = 0;
    this.generation++;
  }

  #counters(): Pick<Round, "cuts" | "recalls"> {
    return { cuts: Math.max(0, this.#cuts), recalls: Math.max(0, this.#recalls) };
  }

  #remember({ cuts, recalls }: Pick<Round, "cuts" | "recalls">): void {
    this.#cuts = cuts;
    this.#recalls = recalls;
  }

  /** Truncates the file to `wholeSize`, after copying what goes, or only rewrites a stale journal. */
  #repair(tail: { size: number; wholeSize: number; why: string }): void {
    const { size, wholeSize, why } = tail;
    if (wholeSize === size) return this.#truncateTo(wholeSize);
    const copy = copyTail(this.#disk, this.#file, { from: wholeSize, nowMs: Date.now() });
    const torn = new Uint8Array(Math.min(size - wholeSize, LOOKED_AT_BYTES_MAX));
    readFully(this.#file, torn, wholeSize);
    this.#truncateTo(wholeSize);
    this.#options.log.warning("repair", "success", {
      file: BETS_FILE,
      cut_bytes: size - wholeSize,
      offset: wholeSize,
      // The copy has the bytes; they may be names and documents.
      begins: torn.some((byte) => byte !== 0) ? "rows" : "zeros",
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
