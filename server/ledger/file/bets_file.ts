/**
 * bets.csv on the shared volume: locked, repaired, appended to, and followed.
 *
 * The order of locks, written down here once: bets.csv first, then agencies_closed.txt. Bets are
 * appended under the first alone; an agency is closed under both. So no bet is written after its
 * agency's close.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import { type DiskFile, readFully, writeAll } from "./disk.ts";
import { turnEnd } from "./serial_queue.ts";
import { LedgerError } from "../ledger.ts";
import { inspectTail, type ReadAt } from "./recovery.ts";
import type { RoundJournal } from "./round_journal.ts";
import type { Tally } from "./tally.ts";

/** Longer than any turn of a healthy server: the lock is held while a round is written, not synced. */
const LOCK_PATIENCE_MS = 5000;
/** Turns of the event loop for which a lock is tried again before it is waited for in a thread. */
const LOCK_TURNS_MAX = 8;
/**
 * A disk that syncs quicker than this is waited for in place: that saves the way through a thread, and
 * holds up other connections for less than a packet takes. A slower one is waited for in a thread.
 */
const SYNC_IN_PLACE_MS = 1;

/** The file of bets. One user of it at a time in this process; the lock keeps other processes apart. */
export class BetsFile {
  readonly #file: DiskFile;
  readonly #journal: RoundJournal;
  readonly #tally: Tally;
  readonly #log: ActionLog;
  readonly #read: ReadAt = (bytes, position) => this.#file.read(bytes, position);
  /** The journal's count of cuts, as last seen. */
  #cuts = -1;
  /** Where the last round appended here begins. */
  #roundStart = 0;
  /** Bytes known to be on stable storage. */
  #syncedSize = 0;
  /** How long a sync took of late. */
  #syncMs = SYNC_IN_PLACE_MS;

  constructor(file: DiskFile, journal: RoundJournal, options: { tally: Tally; log: ActionLog }) {
    this.#file = file;
    this.#journal = journal;
    this.#tally = options.tally;
    this.#log = options.log;
  }

  /**
   * Does `work` while no other server writes, after what others wrote was repaired and counted in.
   *
   * @throws {LedgerError} If the file is not where it was.
   * @throws {DamagedRowError} If there is a row that is no bet.
   */
  async exclusively<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    await this.#lock();
    try {
      this.#scanTo(this.#mend());
      return await work();
    } finally {
      this.#file.unlock();
    }
  }

  /**
   * Counts in what other servers have written, without the lock but for a moment: so that little is left to
   * count for who holds the lock.
   *
   * @throws {LedgerError} If the file is not where it was.
   */
  async follow(): Promise<void> {
    if (this.#file.size() === this.#tally.size) return;
    await this.#lock();
    let wholeSize: number;
    try {
      wholeSize = this.#mend();
    } finally {
      this.#file.unlock();
    }
    try {
      this.#scanTo(wholeSize);
    } catch {
      // It may have been cut and written anew meanwhile. Who holds the lock next finds out what it is.
    }
  }

  /**
   * Appends rows, or nothing: what a failing disk has taken of them is cut off again. The lock is held.
   *
   * @throws {LedgerError} If not even that was possible.
   */
  append(rows: Uint8Array): void {
    const from = this.#tally.size;
    this.#roundStart = from;
    this.#journal.begin({ from, to: from + rows.length, cuts: this.#cuts });
    try {
      writeAll(this.#file, rows, from);
    } catch (cause) {
      this.#cutTo(from);
      throw new Error(`Cannot write bets.csv: ${(cause as Error).message}`, { cause });
    }
  }

  /**
   * Makes all that is counted in the tally last. The lock need not be held.
   *
   * @throws {LedgerError} If the disk fails to. It must not be tried again: the disk would claim success.
   */
  async sync(): Promise<void> {
    const size = this.#tally.size;
    if (size <= this.#syncedSize) return;
    const begin = performance.now();
    try {
      if (this.#syncMs < SYNC_IN_PLACE_MS) this.#file.syncNow();
      else await this.#file.sync();
    } catch (cause) {
      throw new LedgerError(
        `Cannot make bets.csv last: the disk has failed to sync it (${
          (cause as Error).message
        }). ` +
          "Check the disk before you start this server again",
        { cause },
      );
    }
    // A moving average: one slow sync among quick ones is no slow disk.
    const tookMs = performance.now() - begin;
    this.#syncMs = 0.9 * this.#syncMs + 0.1 * tookMs;
    this.#syncedSize = size;
  }

  /**
   * Takes back the rows of the last append, whose sync has failed, if no other server has written behind
   * them. If one has, they are written once more in the same place: the disk has forgotten that they
   * never reached it, and the other server's next sync must not pass them over.
   *
   * @returns Whether they were taken back.
   */
  async takeBack(rows: Uint8Array): Promise<boolean> {
    const from = this.#roundStart;
    await this.#lock();
    try {
      // Others may have cut the file meanwhile: their cuts count too.
      this.#cuts = this.#journal.read()?.cuts ?? this.#cuts;
      const isLast = this.#file.size() === from + rows.length;
      if (isLast) this.#cutTo(from);
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
   * Takes the lock. Who holds it is mostly done before a thread could have been asked to wait; but a thread
   * waits in line, where one who only tries again and again might never get a turn.
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
   * Repairs what a killed writer has left, and forgets what was counted if that was cut. The lock is held.
   *
   * @returns How long the file is then. Nobody writes before that place, but who cuts the file.
   */
  #mend(): number {
    if (!this.#file.isCurrent()) {
      throw new LedgerError(
        "Cannot go on: bets.csv was moved or deleted while this server was running. " +
          "Stop all servers before you touch the shared volume",
      );
    }
    const size = this.#file.size();
    const found = this.#journal.read();
    const { wholeSize } = inspectTail(size, found, {
      read: this.#read,
      knownSize: this.#tally.size,
    });
    const wasCut = found?.cuts !== this.#cuts;
    if (wasCut && found !== undefined && found.from === found.to) {
      // Who cut it may have been killed before the journal said so for good.
      this.#journal.recordCut(found.to, found.cuts);
    }
    this.#cuts = found?.cuts ?? 0;
    if (wasCut || wholeSize < this.#tally.size) {
      this.#tally.clear();
      this.#syncedSize = 0;
    }
    if (wholeSize < size || found === undefined || size < found.to) this.#repair(size, wholeSize);
    return wholeSize;
  }

  #repair(size: number, wholeSize: number): void {
    const torn = new Uint8Array(Math.min(size - wholeSize, 200));
    readFully(this.#file, torn, wholeSize);
    this.#cutTo(wholeSize);
    if (size === wholeSize) return;
    this.#log.warning("repair", "success", {
      file: "bets.csv",
      cut_bytes: size - wholeSize,
      offset: wholeSize,
      begins: torn.some((byte) => byte !== 0) ? new TextDecoder().decode(torn) : "zeros",
      why: "a writer ended before its round was whole; nothing of it was acknowledged",
    });
  }

  #cutTo(size: number): void {
    try {
      if (this.#file.size() > size) {
        this.#file.truncate(size);
        // A power cut must not bring back what is refused by then.
        this.#file.syncNow();
      }
      this.#cuts++;
      this.#journal.recordCut(size, this.#cuts);
    } catch (cause) {
      throw new LedgerError(`Cannot cut bets.csv back to ${size} bytes: ${String(cause)}`, {
        cause,
      });
    }
  }

  #scanTo(size: number): void {
    const tally = this.#tally;
    while (tally.size < size) {
      const wanted = tally.room.subarray(0, size - tally.size);
      const length = readFully(this.#file, wanted, tally.size);
      if (tally.take(length) === 0) {
        throw new LedgerError(
          `Cannot read bets.csv: no row ends within ${length} bytes of byte ${tally.size}`,
        );
      }
    }
  }
}
