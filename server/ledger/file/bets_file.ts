/**
 * bets.csv on the shared volume: locked, recovered, appended to, and read.
 *
 * The lock order, written down here once: bets.csv first, then agencies_closed.txt. Bets are appended under
 * the first lock alone; an agency is closed under both. So no bet is written after its agency's close.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import { type DiskFile, readFully, writeAll } from "./disk.ts";
import { FatalLedgerError } from "./fatal_error.ts";
import { inspectTail, type ReadAt } from "./recovery.ts";
import type { RoundJournal } from "./round_journal.ts";
import { turnEnd } from "./serial_queue.ts";
import type { Tally, Winners } from "./tally.ts";

/** Longer than any healthy turn: the lock is held while a round is written, not while it is synced. */
const LOCK_PATIENCE_MS = 5000;
/** Turns of the event loop in which a busy lock is tried again before a thread waits for it. */
const LOCK_TURNS_MAX = 8;
/**
 * A disk that syncs faster than this is synced in place: that saves the detour through a thread, and blocks
 * other connections for less time than a packet takes. A slower disk is synced in a thread.
 */
const SYNC_IN_PLACE_MS = 1;
/** Longest part of a torn tail that a log line quotes. */
const QUOTED_BYTES_MAX = 200;

/**
 * The file of bets, and the tally of the rows in it. It has one user at a time in this process; the lock
 * keeps other processes out.
 */
export class BetsFile {
  readonly #file: DiskFile;
  readonly #journal: RoundJournal;
  readonly #tally: Tally;
  readonly #log: ActionLog;
  /** Reads the file. Rows up to {@linkcode size} may be read without the lock. */
  readonly read: ReadAt = (bytes, position) => this.#file.read(bytes, position);
  /** How often counted rows were truncated, so that what was derived from them is void. */
  generation = 0;
  /** The journal's count of truncations, as last seen. */
  #cuts = -1;
  /** Position at which the last round appended here begins. */
  #roundStart = 0;
  /** Bytes known to be durable. */
  #syncedSize = 0;
  /** Moving average of the time that a sync takes. */
  #syncMs = SYNC_IN_PLACE_MS;

  constructor(file: DiskFile, journal: RoundJournal, options: { tally: Tally; log: ActionLog }) {
    this.#file = file;
    this.#journal = journal;
    this.#tally = options.tally;
    this.#log = options.log;
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
   * @throws {FatalLedgerError} If the file was moved or deleted.
   * @throws {DamagedRowError} If a row is invalid.
   */
  async exclusively<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    await this.#lock();
    try {
      this.#countTo(this.#recover());
      return await work();
    } finally {
      this.#file.unlock();
    }
  }

  /**
   * Counts the rows of other servers while holding the lock only for a moment, so that the next holder has
   * few left to count.
   *
   * @throws {FatalLedgerError} If the file was moved or deleted.
   */
  async follow(): Promise<void> {
    if (this.#file.size() === this.#tally.size) return;
    await this.#lock();
    let wholeSize: number;
    try {
      wholeSize = this.#recover();
    } finally {
      this.#file.unlock();
    }
    try {
      this.#countTo(wholeSize);
    } catch {
      // The file may have been truncated and rewritten meanwhile. The next holder of the lock finds out.
    }
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
    this.#journal.begin({ from, to: from + rows.length, cuts: this.#cuts });
    try {
      writeAll(this.#file, rows, from);
    } catch (cause) {
      this.#truncateTo(from);
      throw new Error(`Cannot write bets.csv: ${(cause as Error).message}`, { cause });
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
    if (size <= this.#syncedSize) return;
    const begin = performance.now();
    try {
      if (this.#syncMs < SYNC_IN_PLACE_MS) this.#file.syncNow();
      else await this.#file.sync();
    } catch (cause) {
      throw new FatalLedgerError(
        `Cannot sync bets.csv: the disk has failed to sync it (${(cause as Error).message}). ` +
          "Check the disk before you start this server again",
        { cause },
      );
    }
    // One slow sync among fast ones does not make a slow disk.
    const tookMs = performance.now() - begin;
    this.#syncMs = 0.9 * this.#syncMs + 0.1 * tookMs;
    this.#syncedSize = size;
  }

  /**
   * Takes back the rows of the last append, whose sync has failed, unless another server has written after
   * them. In that case it writes them again in the same place: the kernel has forgotten that they never
   * reached the disk, and the other server's next sync must not skip them.
   *
   * @returns Whether they were taken back.
   */
  async takeBack(rows: Uint8Array): Promise<boolean> {
    const from = this.#roundStart;
    await this.#lock();
    try {
      // Another server may have truncated the file meanwhile: its truncations count too.
      this.#cuts = this.#journal.read()?.cuts ?? this.#cuts;
      const isLast = this.#file.size() === from + rows.length;
      if (isLast) this.#truncateTo(from);
      else writeAll(this.#file, rows, from);
      return isLast;
    } finally {
      this.#file.unlock();
    }
  }

  close(): void {
    this.#file.close();
    this.#journal.close();
  }

  /**
   * Takes the lock. The holder usually releases it before a thread could start to wait. But a thread waits
   * in line, while a caller that only tries might never get a turn.
   */
  async #lock(): Promise<void> {
    for (let turn = 0; turn < LOCK_TURNS_MAX; turn++) {
      if (this.#file.tryLock()) return;
      await turnEnd();
    }
    await this.#waitForLock();
  }

  async #waitForLock(): Promise<void> {
    const timer = setTimeout(() => {
      this.#log.warning("lock", "in_progress", {
        file: "bets.csv",
        waiting_seconds: LOCK_PATIENCE_MS / 1000,
        hint: "another server holds the lock: it is paused, or its disk hangs",
      });
    }, LOCK_PATIENCE_MS);
    await this.#file.lock().finally(() => clearTimeout(timer));
  }

  /**
   * Recovers from an interrupted write, and clears the tally if rows that it counted are gone. The lock is
   * held.
   *
   * @returns The size of the file afterwards. Nobody writes before that position, except to truncate.
   */
  #recover(): number {
    if (!this.#file.isCurrent()) {
      throw new FatalLedgerError(
        "Cannot go on: bets.csv was moved or deleted while this server was running. " +
          "Stop all servers before you touch the shared volume",
      );
    }
    const size = this.#file.size();
    const round = this.#journal.read();
    const { wholeSize } = inspectTail(size, round, {
      read: this.read,
      knownSize: this.#tally.size,
    });
    const wasCut = round?.cuts !== this.#cuts;
    if (wasCut && round !== undefined && round.from === round.to) {
      // Its writer may have been killed before the record of the truncation was durable.
      this.#journal.recordCut(round.to, round.cuts);
    }
    this.#cuts = round?.cuts ?? 0;
    if (wasCut || wholeSize < this.#tally.size) {
      this.#tally.clear();
      this.#syncedSize = 0;
      this.generation++;
    }
    const isJournalStale = round === undefined || size < round.to;
    if (wholeSize < size || isJournalStale) this.#repair(size, wholeSize);
    return wholeSize;
  }

  #repair(size: number, wholeSize: number): void {
    const torn = new Uint8Array(Math.min(size - wholeSize, QUOTED_BYTES_MAX));
    readFully(this.#file, torn, wholeSize);
    this.#truncateTo(wholeSize);
    if (size === wholeSize) return;
    this.#log.warning("repair", "success", {
      file: "bets.csv",
      cut_bytes: size - wholeSize,
      offset: wholeSize,
      begins: torn.some((byte) => byte !== 0) ? new TextDecoder().decode(torn) : "zeros",
      why: "a writer ended before its round was complete; nothing of it was acknowledged",
    });
  }

  #truncateTo(size: number): void {
    try {
      if (this.#file.size() > size) {
        this.#file.truncate(size);
        // A power cut must not bring back what has been refused by then.
        this.#file.syncNow();
      }
      this.#cuts++;
      this.#journal.recordCut(size, this.#cuts);
    } catch (cause) {
      throw new FatalLedgerError(`Cannot truncate bets.csv to ${size} bytes: ${String(cause)}`, {
        cause,
      });
    }
  }

  #countTo(size: number): void {
    const tally = this.#tally;
    while (tally.size < size) {
      const wanted = tally.room.subarray(0, size - tally.size);
      const length = readFully(this.#file, wanted, tally.size);
      if (tally.take(length) === 0) {
        throw new FatalLedgerError(
          `Cannot read bets.csv: no row ends within ${length} bytes of byte ${tally.size}`,
        );
      }
    }
  }
}
