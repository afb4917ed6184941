/**
 * Programs as the harness runs them: each is a process whose lines are kept. Signals go only to processes that
 * were started here.
 *
 * @module
 */

import { withDeadline } from "../shared/deadline.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { ServiceProcess } from "../tools/run/service_process.ts";

/** Longest wait for a line or an exit, unless the caller says otherwise. A busy machine is slow. */
const TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 10_000;
const TAIL_LINES = 15;
const CLOCK_TICKS_PER_SECOND = 100;

/** Options of {@linkcode Program}. */
export interface ProgramOptions {
  /** What messages call the program. */
  name: string;
  /** The program's path or name. @default {Deno} */
  command?: string;
  args: string[];
  /** @default {the project's root} */
  cwd?: string;
  /** Variables in addition to those of this process. */
  env?: Record<string, string>;
}

/** A running or ended program. At the end of its block it is stopped. */
export class Program implements AsyncDisposable {
  static readonly #running = new Set<Program>();
  static #acceptsStarts = true;
  readonly name: string;
  /** All lines of its output and its errors. */
  readonly lines: string[] = [];
  readonly #process: ServiceProcess;
  readonly #watchers = new Set<(line: string) => void>();

  /** Starts the program. */
  constructor({ name, command = Deno.execPath(), args, cwd = PROJECT_ROOT, env }: ProgramOptions) {
    if (!Program.#acceptsStarts) throw new Error(`Cannot start ${name}: all programs were killed`);
    this.name = name;
    this.#process = new ServiceProcess({
      command,
      args,
      cwd,
      env: { ...Deno.env.toObject(), NO_COLOR: "1", ...env },
      onLine: (line) => {
        this.lines.push(line);
        for (const watcher of this.#watchers) watcher(line);
      },
    });
    Program.#running.add(this);
    this.#process.ended.then(() => Program.#running.delete(this));
  }

  /** Kills all programs and lets none be started any more, so that this process can exit. */
  static killAll(): void {
    Program.#acceptsStarts = false;
    for (const program of Program.#running) program.signal("SIGKILL");
  }

  get pid(): number {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return Program.#running.has(this);
  }

  /**
   * Waits until the program has exited and its last line was read.
   *
   * @returns Its exit code; 128 and more for a signal.
   * @throws {Error} If that takes longer than `timeoutMs`.
   */
  ended(timeoutMs: number = TIMEOUT_MS): Promise<number> {
    const error = () => this.failure(`did not exit within ${timeoutMs / 1000} s`);
    return withDeadline(this.#process.ended, { timeoutMs, error });
  }

  /**
   * Finds a line among those already read, or waits for it.
   *
   * @returns The match with `pattern`.
   * @throws {Error} If the program exits without such a line, or the wait takes longer than `timeoutMs`.
   */
  async line(pattern: RegExp, timeoutMs: number = TIMEOUT_MS): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const watcher = (line: string) => {
      const match = pattern.exec(line);
      if (match !== null) resolve(match);
    };
    this.lines.forEach(watcher);
    this.#watchers.add(watcher);
    this.#process.ended.then(() => reject(this.failure(`exited without printing ${pattern}`)));
    const error = () => this.failure(`did not print ${pattern} within ${timeoutMs / 1000} s`);
    try {
      return await withDeadline(promise, { timeoutMs, error });
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  /** Returns how many lines match. */
  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** Sends a signal, unless the program has exited. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Sends SIGTERM, and SIGKILL if the program does not exit within 10 seconds. Returns its exit code. */
  stop(): Promise<number> {
    return this.#process.stop(STOP_GRACE_MS);
  }

  /** Sends SIGKILL and waits until the program has exited. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#process.ended;
  }

  /** Returns all lines, for the message of a failure. */
  output(): string {
    return this.lines.map((line) => `${this.name} | ${line}`).join("\n");
  }

  /** Returns the last lines, for the message of a failure. */
  tail(): string {
    return this.lines.slice(-TAIL_LINES).map((line) => `    ${line}`).join("\n");
  }

  /** Returns an error that says what the program did, and shows its last lines. */
  failure(what: string): Error {
    return new Error(`${this.name} ${what}:\n${this.tail()}`);
  }

  /** Returns the processor time so far, in seconds; undefined without /proc. */
  cpuSeconds(): number | undefined {
    const stat = this.#readProc("stat");
    if (stat === undefined) return undefined;
    // The name of the program ends with the last parenthesis and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  /** Returns the peak of the resident memory so far, in bytes; undefined without /proc. */
  peakBytes(): number | undefined {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(this.#readProc("status") ?? "");
    return match === null ? undefined : 1024 * Number(match[1]);
  }

  /** Returns whether SIGSTOP has stopped the program. Linux only. */
  isStopped(): boolean {
    return /^State:\s+T/m.test(this.#readProc("status") ?? "");
  }

  /** Returns whether the program holds the lock, flock(2), of a file with this name. Linux only. */
  holdsLock(name: string): boolean {
    const folder = `/proc/${this.pid}`;
    return Array.from(Deno.readDirSync(`${folder}/fd`)).some(({ name: fd }) => {
      try {
        return Deno.readLinkSync(`${folder}/fd/${fd}`).endsWith(`/${name}`) &&
          /^lock:.* FLOCK .* WRITE /m.test(Deno.readTextFileSync(`${folder}/fdinfo/${fd}`));
      } catch {
        // It was closed meanwhile.
        return false;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #readProc(name: string): string | undefined {
    try {
      return Deno.readTextFileSync(`/proc/${this.pid}/${name}`);
    } catch {
      return undefined;
    }
  }
}
