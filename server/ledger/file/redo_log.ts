/**
 * The redo log of one server: a file of fixed size, filled with zeros when its server starts and overwritten
 * in place, round after round. So a sync commits nothing but its pages: neither a size nor a block is new.
 *
 * While its server lives, the file is locked: recovery from logs runs only where no log is locked.
 *
 * @module
 */

import type { Disk, DiskFile } from "../disk.ts";
import { writeAll } from "../disk.ts";
import { SyncFailedError } from "../fatal_error.ts";
import { syncFailedMessage } from "./volume_recovery.ts";
import { type LogRecord, PAGE_BYTES, pagesOf, RecordWriter } from "./log_record.ts";
import { LOG_PREFIX } from "./volume_files.ts";

/** Bytes that are written at a time when a log is filled with zeros. */
const FILL_BYTES = 1024 * 1024;

/** A record that is still needed: bets.csv may lack its rows after a power cut. */
interface Needed {
  page: number;
  /** Where its round ends in bets.csv. */
  to: number;
}

/** The log of this server. */
export class RedoLog {
  /** Random at each start: no other server may still use a file of that name. */
  readonly name: string;
  readonly #file: DiskFile;
  readonly #pagesWanted: number;
  #writer: RecordWriter | undefined;
  /** 0 while there is no room for it on the disk. */
  #pages = 0;
  /** The page of the next record. */
  #next = 0;
  /** The records that are needed, oldest first, from index {@linkcode #oldest} on. */
  #needed: Needed[] = [];
  #oldest = 0;
  #filling: Promise<void> | undefined;

  private constructor(name: string, file: DiskFile, bytes: number) {
    this.name = name;
    this.#file = file;
    this.#pagesWanted = Math.floor(bytes / PAGE_BYTES);
  }

  /**
   * Creates and locks an empty log, durably. The lock of bets.csv is held. Its lock shows that this server lives.
   *
   * @param bytes Its size, once it is filled.
   * @throws If not even an empty file can be created, or another program has locked it.
   */
  static create(disk: Disk, bytes: number): RedoLog {
    const { name, file } = disk.createUnique(LOG_PREFIX);
    // A log without its lock would be mistaken for that of a dead server.
    if (!file.tryLock()) throw new Error(`another program has locked ${name}, the new redo log`);
    disk.syncFolder();
    return new RedoLog(name, file, bytes);
  }

  /** Whether it has room for any record: not on a full disk. */
  get hasRoom(): boolean {
    return this.#pages > 0;
  }

  /** Begins the records of this lottery and epoch. */
  begin(of: Pick<LogRecord, "lottery" | "epoch">): void {
    this.#writer = new RecordWriter(of);
  }

  /**
   * Fills the log with zeros if it has no room yet, and there is room on the disk. Needs no lock.
   *
   * @throws {SyncFailedError} If its sync fails.
   */
  fill(): Promise<void> {
    return this.#filling ??= this.#fill().finally(() => this.#filling = undefined);
  }

  async #fill(): Promise<void> {
    const size = PAGE_BYTES * this.#pagesWanted;
    if (this.#pages > 0 || size === 0) return;
    const zeros = new Uint8Array(Math.min(FILL_BYTES, size));
    try {
      for (let at = 0; at < size; at += zeros.length) {
        writeAll(this.#file, zeros.subarray(0, size - at), at);
      }
    } catch {
      this.#file.truncate(0);
      return;
    }
    try {
      await this.#file.sync();
    } catch (cause) {
      throw new SyncFailedError(syncFailedMessage(this.name, cause), { cause });
    }
    // Records are whole pages that nobody reads soon: past the cache, a sync has nothing to look for.
    this.#file.bypassCache?.();
    this.#pages = this.#pagesWanted;
  }

  /** The fraction of pages that hold needed records, from 0 to 1. A log without room is full. */
  get used(): number {
    const oldest = this.#needed[this.#oldest];
    if (this.#pages === 0) return 1;
    if (oldest === undefined) return 0;
    const used = this.#next - oldest.page;
    return (used > 0 ? used : used + this.#pages) / this.#pages;
  }

  /** Frees the records of rounds that are durable in bets.csv up to `size`. */
  release(size: number): void {
    while (this.#oldest < this.#needed.length && this.#needed[this.#oldest].to <= size) {
      this.#oldest++;
    }
    if (this.#oldest === this.#needed.length) {
      this.#needed.length = this.#oldest = 0;
    } else if (this.#oldest > 1024) {
      this.#needed.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }

  /**
   * Writes the record of a round, unless there is no room for it.
   *
   * @returns Whether it was written. It is durable after a sync.
   */
  write(from: number, rows: Uint8Array): boolean {
    const page = this.#place(pagesOf(rows.length));
    if (page < 0) return false;
    writeAll(this.#file, this.#writer!.write(from, rows), PAGE_BYTES * page);
    this.#next = page + pagesOf(rows.length);
    this.#needed.push({ page, to: from + rows.length });
    return true;
  }

  /** Returns where so many free pages begin; -1 if there are none. */
  #place(pages: number): number {
    const oldest = this.#needed[this.#oldest];
    const next = this.#next;
    if (oldest === undefined) return pages > this.#pages ? -1 : this.#fitsAtEnd(pages) ? next : 0;
    if (next <= oldest.page) return next + pages <= oldest.page ? next : -1;
    if (this.#fitsAtEnd(pages)) return next;
    return pages <= oldest.page ? 0 : -1;
  }

  #fitsAtEnd(pages: number): boolean {
    return this.#next + pages <= this.#pages;
  }

  /** Flushes what was written. Blocks. */
  syncNow(): void {
    this.#file.syncNow();
  }

  /** Flushes what was written, in a thread. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Whether its name leads to it: if not, a server that starts considers this one dead. */
  isCurrent(maxAgeMs: number): boolean {
    return this.#file.isCurrent(maxAgeMs);
  }

  /** Waits until it is not being filled. */
  async idle(): Promise<void> {
    await this.#filling?.catch(() => {});
  }

  /** Closes the file, which releases its lock. */
  close(): void {
    this.#file.close();
  }
}
