/**
 * Makes checkpoints: syncs bets.csv, and records up to where it is durable.
 *
 * A checkpoint covers whole rounds: its size is one that was read under the lock of bets.csv, at the end of a round.
 * Making it no longer needs that lock. One server makes one at a time, under the lock of the checkpoint, which is
 * always taken after that of bets.csv where both are held; all who ask meanwhile share the next one.
 *
 * @module
 */

import { FatalLedgerError, SyncFailedError } from "../fatal_error.ts";
import { CheckpointFile, type KnownRows, NO_KNOWN_ROWS } from "./checkpoint_file.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { FileLock, type FileLockOptions } from "./file_lock.ts";
import { isOf, logNames, readRecords } from "./log_files.ts";
import { rewriteInPlace } from "./rewriting.ts";
import { syncFailedMessage } from "./volume_recovery.ts";
import { BETS_FILE, CHECKPOINT_FILE } from "./volume_files.ts";

/** Options of {@linkcode Checkpoints}. */
export interface CheckpointsOptions extends Omit<FileLockOptions, "name" | "figures"> {
  /** The rows that this server has written or judged, from the first one on. */
  knownRows: () => KnownRows;
}

/** The checkpoints of one server. */
export class Checkpoints {
  readonly file: CheckpointFile;
  readonly #disk: Disk;
  readonly #handle: DiskFile;
  readonly #lock: FileLock;
  /** A handle of its own, so that a sync in a thread does not keep rounds from bets.csv. */
  readonly #bets: DiskFile;
  readonly #knownRows: () => KnownRows;
  /** The lottery whose records may have to be written again. */
  lottery: string | undefined;
  #epoch = 0;
  #recorded = 0;
  /** Up to where the next checkpoint has to reach. */
  #wanted = 0;
  /** Rows that this server knows, as far as they will be durable then. */
  #known = NO_KNOWN_ROWS;
  #making: Promise<void> | undefined;

  constructor(disk: Disk, options: CheckpointsOptions) {
    this.#disk = disk;
    this.#knownRows = options.knownRows;
    this.#handle = disk.open(CHECKPOINT_FILE);
    this.file = new CheckpointFile(this.#handle);
    this.#lock = new FileLock(this.#handle, {
      name: CHECKPOINT_FILE,
      ...options,
      isHeldLong: true,
    });
    this.#bets = disk.open(BETS_FILE);
  }

  /** Bytes of bets.csv that are known to be durable, whoever has synced them. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Begins an epoch, in which `size` bytes are durable. */
  begin({ epoch, size, lottery }: {
    epoch: number;
    size: number;
    lottery: string | undefined;
  }): void {
    this.lottery = lottery;
    this.#epoch = epoch;
    this.#recorded = size;
  }

  /** Runs `work` under the lock of the checkpoint. */
  locked<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#lock.hold(work);
  }

  /** Looks for checkpoints that other servers have made. Returns {@linkcode recorded}. */
  look(): number {
    const { last, finishedSize } = this.file.read();
    if (last?.epoch === this.#epoch) this.#recorded = Math.max(this.#recorded, finishedSize);
    return this.#recorded;
  }

  /**
   * Makes bets.csv durable up to `size`, the end of a round as it was read under the lock of bets.csv.
   *
   * @throws {SyncFailedError} If a sync fails. It must not be repeated: the kernel would report success.
   */
  async cover(size: number): Promise<void> {
    while (this.#recorded < size) {
      this.#want(size);
      this.#making ??= this.locked(() => this.#make()).finally(() => this.#making = undefined);
      await this.#making;
    }
  }

  /**
   * Makes sure that the last checkpoint is not a clean one, before this server stores anything.
   *
   * @param size The end of a round.
   */
  async activate(size: number): Promise<void> {
    this.#want(size);
    await this.locked(() => this.#make());
  }

  /**
   * Makes the last checkpoint, after which no server is running. All locks are held.
   *
   * @param size The size of bets.csv.
   */
  async end(size: number): Promise<void> {
    this.#want(size);
    await this.#make({ isClean: true });
  }

  /** @param size The end of a round. */
  #want(size: number): void {
    this.#wanted = Math.max(this.#wanted, size);
    const known = this.#knownRows();
    // What lies beyond is not durable yet.
    if (known.size <= size) this.#known = known;
  }

  async #make({ isClean = false } = {}): Promise<void> {
    const [wanted, judged] = [this.#wanted, this.#known];
    const wasFinished = this.file.read().isFinished;
    const { last, finishedSize } = await this.file.settle();
    if (last === undefined || last.epoch !== this.#epoch) throw new FatalLedgerError(EPOCH_ENDED);
    this.#recorded = Math.max(this.#recorded, finishedSize);
    const size = Math.max(wanted, finishedSize);
    if (size <= finishedSize && isClean === last.isClean) return;
    // The server that announced it is dead, and may have seen a sync fail.
    if (!wasFinished) this.#rewrite({ from: finishedSize, to: size });
    this.file.announce(last);
    await this.#sync();
    const sequence = last.sequence + 1;
    const known = judged.size >= last.known.size ? judged : last.known;
    await this.file.record({ sequence, epoch: this.#epoch, size, isClean, known });
    this.#recorded = Math.max(this.#recorded, size);
  }

  #rewrite(span: { from: number; to: number }): void {
    const { lottery = "" } = this;
    const records = readRecords(this.#disk, logNames(this.#disk))
      .filter(isOf({ lottery, epoch: this.#epoch }));
    rewriteInPlace(this.#bets, span, records);
  }

  async #sync(): Promise<void> {
    try {
      await this.#bets.sync();
    } catch (cause) {
      throw new SyncFailedError(syncFailedMessage(BETS_FILE, cause), { cause });
    }
  }

  /** Waits until no checkpoint is being made. */
  async idle(): Promise<void> {
    await this.#making?.catch(() => {});
  }

  close(): void {
    this.#handle.close();
    this.#bets.close();
  }
}

/** The message of a server that others considered dead. */
export const EPOCH_ENDED =
  "Cannot continue: another server has recovered the volume while this one was running. Its redo log was moved " +
  "or deleted. Stop all servers before you touch the shared volume";
