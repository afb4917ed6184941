/**
 * The lock of a file on the shared volume.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import { type LedgerFigures, microseconds, secondsBetween } from "../figures.ts";
import type { DiskFile } from "../disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { turnEnd } from "../courtesy.ts";

/** Longer than any healthy turn: the lock is held while a round is written, not while it is synced. */
const PATIENCE_MS = 5000;
/**
 * How long the event loop is blocked for a lock that is expected to become free. A thread that waits would hold the
 * lock until the event loop is scheduled again; the event loop itself goes on at once.
 */
const BLOCKED_MS = 0.2;
/** Turns of the event loop in which a busy lock is tried again before a thread waits for it. */
const TURNS_MAX = 4;

/** Options of {@linkcode FileLock}. */
export interface FileLockOptions {
  /** The file's name, for messages. */
  name: string;
  log: ActionLog;
  /** Called when the lock cannot be released: only the end of the process releases it then. */
  onFatal: (error: FatalLedgerError) => void;
  /** Counts the seconds of waiting for the lock. @default {nothing counts} */
  figures?: LedgerFigures;
  /** Whether holders keep it for milliseconds: then a thread waits at once. @default {false} */
  isHeldLong?: boolean;
}

/** Keeps other processes out while work is done. One user at a time in this process. */
export class FileLock {
  readonly #file: DiskFile;
  readonly #options: FileLockOptions;

  constructor(file: DiskFile, options: FileLockOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** Runs `work` while holding the lock. If the lock cannot be released, the work is done anyway. */
  async hold<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    await this.#take();
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  /**
   * Takes the lock. The holder usually releases it before a thread could start to wait. But a thread waits
   * in line, while a caller that only tries might never get a turn.
   */
  async #take(): Promise<void> {
    // Most locks are free, and then not even the time is asked for.
    if (this.#file.tryLock()) return this.#options.figures?.lockWaitSeconds.observe(0);
    const start = microseconds();
    await this.#wait();
    this.#options.figures?.lockWaitSeconds.observe(secondsBetween(start, microseconds()));
  }

  async #wait(): Promise<void> {
    const turns = this.#options.isHeldLong ? 0 : TURNS_MAX;
    for (let turn = 1; turn < turns; turn++) {
      if (this.#file.tryLockFor(BLOCKED_MS)) return;
      await turnEnd();
      if (this.#file.tryLock()) return;
    }
    await turnEnd();
    const { name: file, log } = this.#options;
    const timer = setTimeout(() => {
      log.warning("lock", "in_progress", {
        file,
        waiting_seconds: PATIENCE_MS / 1000,
        hint: "another server holds the lock: it is paused, or its disk hangs",
      });
    }, PATIENCE_MS);
    await this.#file.lock().finally(() => clearTimeout(timer));
  }

  #release(): void {
    try {
      this.#file.unlock();
    } catch (cause) {
      const { message } = cause as Error;
      this.#options.onFatal(
        new FatalLedgerError(
          `Cannot unlock ${this.#options.name}: ${message}. This server stops, which releases it`,
          { cause },
        ),
      );
    }
  }
}
