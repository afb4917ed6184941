/**
 * Whether locks keep processes apart on a volume, and end with their process.
 *
 * @module
 */

import { type Finding, within } from "./finding.ts";

/** Longest that a step may take: the start of a Deno on a busy machine. */
const STEP_TIMEOUT_MS = 20_000;
const ADVICE = "servers would write over each other: put the volume on a local disk, or on a " +
  "network file system that knows flock (NFS 4, with local_lock unset)";

/** The other process. */
const HOLDER = new URL("lock_holder.ts", import.meta.url).href;

/** Checks the locks of a file system with a file in `folder`, and another process. */
export async function checkLock(folder: string, { program = HOLDER } = {}): Promise<Finding> {
  const path = `${folder}/lock`;
  using file = Deno.openSync(path, { read: true, write: true, create: true });
  let isTaken;
  try {
    isTaken = file.tryLockSync(true);
  } catch (error) {
    return { level: "fault", text: `flock fails (${(error as Error).message}): ${ADVICE}` };
  }
  if (!isTaken) {
    return { level: "fault", text: `flock refuses the lock of a new file: ${ADVICE}` };
  }
  await using other = new LockHolder(program, path);
  if (await other.answer() !== "refused") {
    return { level: "fault", text: `flock lets two processes have one lock: ${ADVICE}` };
  }
  file.unlockSync();
  await other.lock();
  if (await other.answer() !== "held") {
    return { level: "fault", text: `flock does not let a lock go: ${ADVICE}` };
  }
  if (file.tryLockSync(true)) {
    return { level: "fault", text: `flock lets two processes have one lock: ${ADVICE}` };
  }
  await other.kill();
  await within(file.lock(true), {
    timeoutMs: STEP_TIMEOUT_MS,
    message: `flock keeps the lock of a process that was killed: ${ADVICE}`,
  });
  return { level: "ok", text: "flock keeps two processes apart, and ends with a killed one" };
}

/** Another Deno, which tries to lock a file. */
class LockHolder implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #words: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #read = "";

  constructor(program: string, path: string) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-config", "--no-lock", "--quiet"],
        // A comma in a path would begin another one.
        ...[`--allow-read=${path.replaceAll(",", ",,")}`],
        ...[`--allow-write=${path.replaceAll(",", ",,")}`],
        ...[program, path],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#words = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer = this.#process.stdin.getWriter();
  }

  /**
   * The next word of the other process.
   *
   * @throws {Error} If it has ended.
   */
  async answer(): Promise<string> {
    const timeout = { timeoutMs: STEP_TIMEOUT_MS, message: "the other process does not answer" };
    while (!this.#read.includes("\n")) {
      const { value, done } = await within(this.#words.read(), timeout);
      if (done) throw new Error("the other process has ended: see what it says above");
      this.#read += value;
    }
    const [word, rest] = this.#read.split("\n", 2);
    this.#read = rest;
    return word;
  }

  /** Tells it to wait for the lock. */
  async lock(): Promise<void> {
    await this.#writer.write(new TextEncoder().encode("lock\n"));
  }

  /** Ends it as `kill -9` does. */
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
