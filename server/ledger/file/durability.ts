/**
 * Makes the rounds of this server durable: by a record in its redo log, or where that has no room by a checkpoint.
 *
 * @module
 */

import { FatalLedgerError, SyncFailedError } from "../fatal_error.ts";
import type { LedgerFigures } from "../figures.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { Disk } from "../disk.ts";
import { movedMessage } from "./moved_file.ts";
import type { RedoLog } from "./redo_log.ts";
import { syncFailedMessage } from "./volume_recovery.ts";
import { DISK_FAILURE_FILE } from "./volume_files.ts";

/**
 * A disk that syncs faster than this is synced in place: that saves the detour through a thread, and blocks
 * other connections for less time than a packet takes. A slower disk is synced in a thread.
 */
const SYNC_IN_PLACE_MS = 1;
/**
 * The same for a small round. Where many servers share few processors, a sync takes a millisecond because its
 * server waits for one, and a thread would wait as well. A large round is better synced in a thread: meanwhile its
 * server reads the packets of the next one.
 */
const SMALL_SYNC_IN_PLACE_MS = 3;
const SMALL_ROUND_BYTES = 16 * 1024;
/** A checkpoint begins when this part of the log is in use, so that space is freed before the log is full. */
const USED_MAX = 0.5;
/** How often a server whose log did not fit on the disk tries again. */
const FILL_AGAIN_MS = 10_000;

/** Options of {@linkcode Durability}. */
export interface DurabilityOptions {
  disk: Disk;
  log: RedoLog;
  checkpoints: Checkpoints;
  /** Called when a checkpoint in the background has failed. */
  onFatal: (error: FatalLedgerError) => void;
  /** Counts syncs. @default {nothing counts} */
  figures?: LedgerFigures;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** The log of this server, and the checkpoints that let it be reused. */
export class Durability {
  readonly #options: DurabilityOptions;
  readonly #log: RedoLog;
  readonly #checkpoints: Checkpoints;
  readonly #now: () => number;
  /** Moving average of the time that a sync takes. */
  #syncMs = SMALL_SYNC_IN_PLACE_MS;
  #filledAt = -Infinity;
  /** The end of the last round of this server that is durable. */
  #committed = 0;
  #clearing: Promise<void> | undefined;

  constructor(options: DurabilityOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#checkpoints = options.checkpoints;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Bytes of bets.csv that this server knows to be durable or recorded. */
  get knownSize(): number {
    return Math.max(this.#committed, this.#checkpoints.recorded);
  }

  /**
   * Makes a round durable that was just appended.
   *
   * @throws {SyncFailedError} If a sync fails. It must not be repeated: the kernel would report success.
   */
  async commit(from: number, rows: Uint8Array): Promise<void> {
    const to = from + rows.length;
    if (!this.#log.isCurrent(0)) throw new FatalLedgerError(movedMessage(this.#log.name));
    if (this.#log.used > USED_MAX) this.#makeRoom(to);
    if (this.#record(from, rows)) await this.#sync(rows.length);
    else await this.#checkpoints.cover(to);
    this.#committed = to;
  }

  /** Whether the log still has its name: if not, a server that starts considers this one dead. */
  isCurrent(maxAgeMs: number): boolean {
    return this.#log.isCurrent(maxAgeMs);
  }

  /**
   * Ends the log: all its rounds are made durable in bets.csv, so that it may be removed.
   *
   * @returns Whether it may. A disk that has failed keeps every log.
   */
  async end(): Promise<boolean> {
    await this.#clearing;
    if (this.#options.disk.exists(DISK_FAILURE_FILE)) return false;
    await this.#checkpoints.cover(this.#committed);
    return true;
  }

  /** Writes the record; returns whether there was room, and no fault. */
  #record(from: number, rows: Uint8Array): boolean {
    try {
      return this.#log.write(from, rows);
    } catch {
      // A partial record does not count. The checkpoint finds out whether the disk has failed.
      return false;
    }
  }

  async #sync(rowBytes: number): Promise<void> {
    const begin = this.#now();
    const isSmall = rowBytes <= SMALL_ROUND_BYTES;
    try {
      if (this.#syncMs < (isSmall ? SMALL_SYNC_IN_PLACE_MS : SYNC_IN_PLACE_MS)) this.#log.syncNow();
      else await this.#log.sync();
    } catch (cause) {
      throw new SyncFailedError(syncFailedMessage(this.#log.name, cause), { cause });
    }
    // One slow sync among fast ones does not make a slow disk.
    const tookMs = this.#now() - begin;
    this.#syncMs = 0.9 * this.#syncMs + 0.1 * tookMs;
    this.#options.figures?.syncSeconds.observe(tookMs / 1000);
  }

  /** Frees what is durable in bets.csv by now, and begins a checkpoint up to `size` if that is too little. */
  #makeRoom(size: number): void {
    const log = this.#log;
    if (!log.hasRoom) return this.#tryFilling();
    if (this.#clearing !== undefined) return;
    log.release(this.#checkpoints.look());
    if (log.used <= USED_MAX) return;
    this.#clearing = this.#checkpoints.cover(size).then(
      () => log.release(this.#checkpoints.recorded),
      (error) => this.#options.onFatal(error),
    ).finally(() => this.#clearing = undefined);
  }

  #tryFilling(): void {
    const now = this.#now();
    if (now - this.#filledAt < FILL_AGAIN_MS) return;
    this.#filledAt = now;
    this.#log.fill().catch((error) => this.#options.onFatal(error));
  }
}
