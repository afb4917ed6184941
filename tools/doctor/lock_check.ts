/**
 * Checks whether locks on a volume exclude other processes, and end with their process.
 *
 * @module
 */

import { withDeadline } from "../../shared/deadline.ts";
import type { Finding } from "./finding.ts";

/** Longest time for one step, such as the start of Deno on a busy machine. */
const STEP_TIMEOUT_MS = 20_000;
const ADVICE =
  "servers would overwrite each other: put the volume on a local disk, or on a network " +
  "file system that supports flock (NFS 4, with local_lock unset)";
const TWO_HOLDERS = "flock grants one lock to two processes";

/** The program of the other process. */
const HOLDER = new URL("lock_holder.ts", import.meta.url).href;

const LOCK_FILE = "lock";

/** Checks the locks of a file system with a file in `folder` and another process. */
export async function checkLock(folder: string, { program = HOLDER } = {}): Promise<Finding> {
  using file = Deno.openSync(`${folder}/${LOCK_FILE}`, { read: true, write: true, create: true });
  const fault = (reason: string): Finding => ({ level: "fault", text: `${reason}: ${ADVICE}` });
  try {
    if (!file.tryLockSync(true)) return fault("flock refuses the lock of a new file");
  } catch (error) {
    return fault(`flock fails (${(error as Error).message})`);
  }
  await using other = new LockHolder(program, folder);
  if (await other.answer() !== "refused") return fault(TWO_HOLDERS);
  file.unlockSync();
  await other.lock();
  if (await other.answer() !== "held") return fault("flock does not release a lock");
  if (file.tryLockSync(true)) return fault(TWO_HOLDERS);
  await other.kill();
  await withDeadline(file.lock(true), {
    timeoutMs: STEP_TIMEOUT_MS,
    error: () => new Error(`flock does not release the lock of a killed process: ${ADVICE}`),
  });
  return { level: "ok", text: "flock excludes other processes, and ends with a killed one" };
}

/** Another Deno process, which locks a file. */
class LockHolder implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #words: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #read = "";

  constructor(program: string, folder: string) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-config", "--no-lock", "--quiet"],
        ...[`--allow-read=${LOCK_FILE}`, `--allow-write=${LOCK_FILE}`],
        ...[program, LOCK_FILE],
      ],
      // The path of the folder may have a comma, which would separate two paths in a permission.
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#words = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer = this.#process.stdin.getWriter();
  }

  /**
   * Returns the next word of the other process.
   *
   * @throws {Error} If it has ended, or does not answer in time.
   */
  async answer(): Promise<string> {
    const error = () => new Error("the other process does not answer");
    while (!this.#read.includes("\n")) {
      const { value, done } = await withDeadline(this.#words.read(), {
        timeoutMs: STEP_TIMEOUT_MS,
        error,
      });
      if (done) throw new Error("the other process has ended: see its error above");
      this.#read += value;
    }
    const [word, rest] = this.#read.split("\n", 2);
    this.#read = rest;
    return word;
  }

  /** Has it wait for the lock. */
  async lock(): Promise<void> {
    await this.#writer.write(new TextEncoder().encode("lock\n"));
  }

  /** Kills it, as `kill -9` does. */
  async kill(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#writer.close().catch(() => {});
    await this.#words.cancel().catch(() => {});
  }
}
