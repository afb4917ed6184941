/**
 * One run at a time: who starts servers on the volume, or moves its files, holds a lock for as long.
 *
 * @module
 */

import { TASK, TaskError } from "../flags.ts";

/** A lock that nobody holds is there within a millisecond. */
const LOCK_PATIENCE_MS = 500;

/** What is known of a run. */
export interface RunRecord {
  /** The process that holds the lock; 0 if none does, unless it was killed. */
  pid: number;
  /** Processes that it has started and that would outlive it if it were killed. */
  children: number[];
}

/** The lock, held until it is disposed of or the process ends. */
export class RunLock implements Disposable {
  readonly #file: Deno.FsFile;
  #isRecorded = false;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the lock. What an earlier holder has written down stays until {@linkcode record}.
   *
   * @throws {TaskError} If another process holds it.
   */
  static async acquire(root: string): Promise<RunLock> {
    const file = await openRunFile(root);
    if (!await lockOrClose(file)) {
      const { pid } = await readRunRecord(root);
      throw new TaskError(
        `The lottery is running already (process ${pid}): stop it with Ctrl-C, or with: ${TASK} down`,
      );
    }
    return new RunLock(file);
  }

  /** Whether a process holds the lock. */
  static async isHeld(root: string): Promise<boolean> {
    const file = await openRunFile(root);
    if (!await lockOrClose(file)) return true;
    file.close();
    return false;
  }

  /** Waits until no process holds the lock. */
  static async waitUntilFree(root: string): Promise<void> {
    using file = await openRunFile(root);
    await file.lock(true);
  }

  /** Writes down that this process holds the lock, and which processes it has started. */
  record(children: number[]): void {
    this.#isRecorded = true;
    const record: RunRecord = { pid: Deno.pid, children };
    this.#file.truncateSync();
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#file.writeSync(new TextEncoder().encode(JSON.stringify(record)));
  }

  /** Lets go of the lock. */
  [Symbol.dispose](): void {
    if (this.#isRecorded) this.#file.truncateSync();
    this.#file.close();
  }
}

/** What the process that holds the lock has written down, or one that was killed while it did. */
export async function readRunRecord(root: string): Promise<RunRecord> {
  try {
    const { pid, children } = JSON.parse(await Deno.readTextFile(runFile(root)));
    return { pid, children };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof Deno.errors.NotFound)) throw error;
    return { pid: 0, children: [] };
  }
}

function runFile(root: string): string {
  return `${root}/.cache/up.lock`;
}

/** Takes the lock if it is free, and answers so; closes the file otherwise. */
async function lockOrClose(file: Deno.FsFile): Promise<boolean> {
  if (typeof file.tryLock !== "function") return await lockSoonOrClose(file);
  const isLocked = await file.tryLock(true);
  if (!isLocked) file.close();
  return isLocked;
}

/** The same for Deno before 2.7, which can only wait for a lock: one that comes too late is let go. */
async function lockSoonOrClose(file: Deno.FsFile): Promise<boolean> {
  let isLate = false;
  const locking = file.lock(true).then(() => {
    if (isLate) file.close();
    return true;
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve(false);
    }, LOCK_PATIENCE_MS);
  });
  return await Promise.race([locking, late]).finally(() => clearTimeout(timer));
}

async function openRunFile(root: string): Promise<Deno.FsFile> {
  await Deno.mkdir(`${root}/.cache`, { recursive: true });
  return await Deno.open(runFile(root), { read: true, write: true, create: true });
}
