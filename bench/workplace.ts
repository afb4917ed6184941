/**
 * Where a benchmark works: one folder for all its files, and all the processes that it has started. However
 * it ends, neither is left behind.
 *
 * @module
 */

import { ServiceProcess } from "../tools/run/service_process.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const CLOCK_TICKS_PER_SECOND = 100;
const LINES_KEPT = 20;

/** Which program to start. */
export interface ProgramOptions {
  /** Arguments for Deno. */
  args: string[];
  /** Variables beside those of this process. */
  env?: Record<string, string>;
  /** The line by which it tells that it is ready. */
  ready?: RegExp;
}

/** A program that is measured. */
export class Program implements AsyncDisposable {
  /** Its ready line. Fails if it ends without one. */
  readonly ready: Promise<RegExpExecArray>;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number>;
  /** When it was started, as performance.now() tells it. */
  readonly startedMs = performance.now();
  readonly #process: ServiceProcess;
  readonly #lines: string[] = [];

  constructor({ args, env, ready }: ProgramOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    this.ready = promise;
    // Not everybody waits for it.
    this.ready.catch(() => {});
    this.#process = new ServiceProcess({
      command: Deno.execPath(),
      args: ["run", "--quiet", ...args],
      cwd: ROOT,
      env: { ...Deno.env.toObject(), NO_COLOR: "1", ...env },
      onLine: (line) => {
        if (this.#lines.push(line) > LINES_KEPT) this.#lines.shift();
        const match = ready?.exec(line);
        if (match) resolve(match);
      },
    });
    this.ended = this.#process.ended;
    this.ended.then(() => reject(this.failure("has ended too early")));
  }

  /** An error that tells what the program has written. */
  failure(what: string): Error {
    return new Error(`Cannot measure: a program ${what}:\n${this.#lines.join("\n")}`);
  }

  /** Processor time so far, in seconds; nothing where there is no /proc. */
  cpuSeconds(): number | undefined {
    const stat = this.#readProc("stat");
    if (stat === undefined) return undefined;
    // The name before the last parenthesis may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  /** Most memory so far, in bytes; nothing where there is no /proc. */
  peakBytes(): number | undefined {
    const match = /VmHWM:\s+(\d+) kB/.exec(this.#readProc("status") ?? "");
    return match === null ? undefined : 1024 * Number(match[1]);
  }

  /** Ends it at once. */
  kill(): void {
    this.#process.signal("SIGKILL");
  }

  /** Ends it in good order. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.signal("SIGTERM");
    await this.ended;
  }

  #readProc(name: string): string | undefined {
    try {
      return Deno.readTextFileSync(`/proc/${this.#process.pid}/${name}`);
    } catch {
      return undefined;
    }
  }
}

/** Processor time of programs together, in seconds; nothing where it cannot be read. */
export function cpuSecondsOf(programs: readonly Program[]): number | undefined {
  const all = programs.map((program) => program.cpuSeconds() ?? NaN);
  const total = all.reduce((sum, seconds) => sum + seconds, 0);
  return Number.isNaN(total) ? undefined : total;
}

/** Most memory of one of some programs, in bytes; nothing where it cannot be read. */
export function peakBytesOf(programs: readonly Program[]): number | undefined {
  const peak = Math.max(...programs.map((program) => program.peakBytes() ?? NaN));
  return Number.isNaN(peak) ? undefined : peak;
}

/** One folder, and some processes. */
export class Workplace implements AsyncDisposable {
  readonly path: string;
  readonly #running = new Set<Program>();
  #folders = 0;
  #closing: Promise<void> | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param parent Where its folder is made. @default {the system's folder for temporary files} */
  static async open(parent?: string): Promise<Workplace> {
    return new Workplace(await Deno.makeTempDir({ dir: parent, prefix: "lottery-bench-" }));
  }

  /** Makes a folder; it is gone when it is disposed of, or else with the workplace. */
  folder(): AsyncDisposable & { path: string } {
    this.#checkOpen();
    const path = `${this.path}/${++this.#folders}`;
    Deno.mkdirSync(path);
    return {
      path,
      [Symbol.asyncDispose]: async () => {
        // When the workplace is left, it removes everything itself.
        if (!this.isClosed) await Deno.remove(path, { recursive: true });
      },
    };
  }

  /** Starts a program. */
  start(options: ProgramOptions): Program {
    this.#checkOpen();
    const program = new Program(options);
    this.#running.add(program);
    program.ended.then(() => this.#running.delete(program));
    return program;
  }

  /** Whether it has been left: nothing can be started any more. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Ends all that runs and removes all files. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const running = [...this.#running];
    for (const program of running) program.kill();
    await Promise.all(running.map((program) => program.ended));
    await Deno.remove(this.path, { recursive: true });
  }

  #checkOpen(): void {
    if (this.isClosed) throw new Error("Cannot measure: the benchmark has ended");
  }
}
