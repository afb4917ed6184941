/**
 * One run at a time: the process that starts servers on the volume, or moves its files, holds a
 * lock. The lock's file records the processes of the run.
 *
 * @module
 */

import process from "node:process";
import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import { PROJECT_ROOT, TASK, TaskError } from "../project.ts";

const RUN_FILE = "/.cache/up.lock";

/** The command lines of servers, clients and nodes. */
const OWN_PROGRAM = /\b(server|client|board)\/main\.ts|\.cache\/nodes\/node\d\.conf/;

/** The processes of a run. */
export interface RunRecord {
  /** The process that holds the lock, or was killed while it did; 0 if there is none. */
  pid: number;
  /** Processes that it has started and that would outlive it if it were killed. */
  children: number[];
  /** Where its servers report their status, if they run as processes of this machine. */
  servers?: StatusAddress[];
  /** How many bets each agency has, agency 1 first. */
  betsExpected?: number[];
}

/** The lock, held until it is disposed or the process ends. */
export class RunLock implements Disposable {
  readonly #file: Deno.FsFile;
  #record: RunRecord = { pid: Deno.pid, children: [] };

  private constructor(file: Deno.FsFile) {
    this.#file = file;
    this.record([]);
  }

  /**
   * Takes the lock.
   *
   * @throws {TaskError} If another process holds it, or processes of a killed holder still run.
   */
  static async acquire(root: string = PROJECT_ROOT): Promise<RunLock> {
    const file = await openRunFile(root);
    try {
      await assertLocked(file, root);
      return new RunLock(file);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Whether a process holds the lock. */
  static async isHeld(root: string = PROJECT_ROOT): Promise<boolean> {
    using file = await openRunFile(root);
    return !await file.tryLock(true);
  }

  /** Waits until no process holds the lock. */
  static async waitUntilFree(root: string = PROJECT_ROOT): Promise<void> {
    using file = await openRunFile(root);
    await file.lock(true);
  }

  /** Records this process as the holder, and the processes that it has started. */
  record(children: number[]): void {
    this.#write({ children });
  }

  /** Records what other tasks want to know of the run. */
  describe(run: Pick<RunRecord, "servers" | "betsExpected">): void {
    this.#write(run);
  }

  #write(changed: Partial<RunRecord>): void {
    this.#record = { ...this.#record, ...changed };
    this.#file.truncateSync();
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#file.writeSync(new TextEncoder().encode(JSON.stringify(this.#record)));
  }

  /** Removes the record and releases the lock. */
  [Symbol.dispose](): void {
    this.#file.truncateSync();
    this.#file.close();
  }
}

async function assertLocked(file: Deno.FsFile, root: string): Promise<void> {
  if (!await file.tryLock(true)) {
    const { pid } = await readRunRecord(root);
    throw new TaskError(
      `The lottery is already running (process ${pid}): stop it with Ctrl-C, or with: ${TASK} down`,
    );
  }
  const pids = (await leftBehind(root)).join(", ");
  if (pids === "") return;
  throw new TaskError(
    `Programs of an earlier run are still running (processes ${pids}): stop them with: ${TASK} down`,
  );
}

/** Returns what the holder of the lock has recorded, or a holder that was killed. */
export async function readRunRecord(root: string = PROJECT_ROOT): Promise<RunRecord> {
  try {
    return JSON.parse(await Deno.readTextFile(root + RUN_FILE));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof Deno.errors.NotFound)) throw error;
    return { pid: 0, children: [] };
  }
}

/**
 * Returns the programs of an earlier run that still run because it was killed. Such a client would
 * continue with the next run's servers, and close its agency there.
 */
export async function leftBehind(root: string = PROJECT_ROOT): Promise<number[]> {
  return await runningPrograms((await readRunRecord(root)).children);
}

/** Returns those process ids that are programs of this project which run. */
export async function runningPrograms(pids: readonly number[]): Promise<number[]> {
  const found: number[] = [];
  for (const pid of pids) {
    // The system may have given the id to another process since, or keep it for one that has ended.
    if (isAlive(pid) && OWN_PROGRAM.test(await commandLine(pid))) found.push(pid);
  }
  return found;
}

/** Whether a process with this id runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

async function commandLine(pid: number): Promise<string> {
  const ps = new Deno.Command("ps", { args: ["-o", "args=", "-p", String(pid)] });
  return new TextDecoder().decode((await ps.output()).stdout);
}

async function openRunFile(root: string): Promise<Deno.FsFile> {
  await Deno.mkdir(`${root}/.cache`, { recursive: true });
  return await Deno.open(root + RUN_FILE, { read: true, write: true, create: true });
}
