/**
 * Tries from time to time whether the volume could take bets: whether its lock can be had, and whether the disk has
 * room. So a server that has nothing to store also notices that it could not store anything, and its status need not
 * try.
 *
 * @module
 */

import type { Readiness } from "../ledger.ts";
import { type Disk, type DiskFile, writeAll } from "../disk.ts";
import { TRIAL_PREFIX } from "./volume_files.ts";

/** A beat that takes longer than this means that bets would wait as well. */
const PATIENCE_MS = 2000;
/** As long as the longest packet by default. */
const TRIAL = new Uint8Array(64 * 1024).fill(0x2e);

/** Options of {@linkcode Heartbeat}. */
export interface HeartbeatOptions {
  /** The time between two beats, in milliseconds. */
  everyMs: number;
  disk: Disk;
  /** Runs work in turn with the rounds, under the lock of bets.csv. */
  locked: (work: () => void) => Promise<void>;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** The beats, until they are disposed of. Call {@linkcode close} in turn with the rounds after that. */
export class Heartbeat implements Disposable {
  readonly #options: HeartbeatOptions;
  readonly #now: () => number;
  readonly #timer: ReturnType<typeof setInterval>;
  /** When the beat in progress began. */
  #since: number | undefined;
  /** Why the last beat has failed. */
  #fault: string | undefined;
  #scratch: DiskFile | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timer = setInterval(() => void this.beat(), options.everyMs);
  }

  /** What the last beat has found, and whether the one in progress takes too long. */
  readiness(): Readiness {
    const tookMs = this.#since === undefined ? 0 : this.#now() - this.#since;
    if (tookMs > PATIENCE_MS) {
      const seconds = Math.floor(tookMs / 1000);
      const reason = `the lock of bets.csv was not to be had for ${seconds} s, or the disk hangs`;
      return { isReady: false, reason };
    }
    return this.#fault === undefined ? { isReady: true } : { isReady: false, reason: this.#fault };
  }

  /** Tries once. Never throws. One try runs at a time, as it may have to wait for the lock. */
  async beat(): Promise<void> {
    if (this.#since !== undefined) return;
    this.#since = this.#now();
    try {
      await this.#options.locked(() => this.#tryDisk());
      this.#fault = undefined;
    } catch (error) {
      this.#fault = `cannot write to the volume: ${(error as Error).message}`;
    } finally {
      this.#since = undefined;
    }
  }

  /** Writes as many bytes as a batch may take, and frees them again. Nothing is synced. */
  #tryDisk(): void {
    const scratch = this.#scratch ??= openUnnamed(this.#options.disk);
    try {
      writeAll(scratch, TRIAL, 0);
    } finally {
      scratch.truncate(0);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Closes the file of the trials. */
  close(): void {
    this.#scratch?.close();
  }
}

/** Opens a file and removes its name at once, so that the file goes with its process, however that ends. */
function openUnnamed(disk: Disk): DiskFile {
  const { name, file } = disk.createUnique(TRIAL_PREFIX);
  disk.remove(name);
  return file;
}
