/**
 * A program that runs as one service of the lottery, and whose output is read line by line.
 *
 * @module
 */

import { linesOf } from "../../shared/lines.ts";

/**
 * How long the output may stay open after the program has exited: a process that it left behind may hold it, as
 * sometimes happens when `docker compose` is stopped.
 */
const OUTPUT_GRACE_MS = 2000;

/** Options of {@linkcode ServiceProcess}. */
export interface ServiceOptions {
  /** The program's path or name. */
  command: string;
  args: string[];
  cwd: string;
  /** Its whole environment. @default {that of this process} */
  env?: Record<string, string>;
  /** Receives each line of its output and its errors. */
  onLine(line: string): void;
  /** How long its output may stay open after its exit. @default {2000} */
  outputGraceMs?: number;
  /** Whether a Ctrl-C in the terminal, which goes to a whole group of processes, spares it. @default {false} */
  isDetached?: boolean;
}

/** A started program. */
export class ServiceProcess {
  /**
   * Resolves after the program has exited and its last line was passed on: to its exit code, which is 128 and
   * more for a signal.
   */
  readonly ended: Promise<number>;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  #hasExited = false;

  /** Starts the program. */
  constructor(
    options: ServiceOptions,
  ) {
    const { command, args, cwd, env, onLine, outputGraceMs = OUTPUT_GRACE_MS } = options;
    this.#child = new Deno.Command(command, {
      args,
      cwd,
      env,
      clearEnv: env !== undefined,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: options.isDetached ?? false,
    }).spawn();
    this.pid = this.#child.pid;
    this.ended = this.#follow(onLine, outputGraceMs);
  }

  /** Sends a signal, unless the program has exited. */
  signal(signal: Deno.Signal): void {
    if (this.#hasExited) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It exited a moment ago.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /**
   * Sends SIGTERM, and SIGKILL if the program does not exit within `graceMs`.
   *
   * @returns Its exit code.
   */
  async stop(graceMs: number): Promise<number> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    return await this.ended.finally(() => clearTimeout(timer));
  }

  async #follow(onLine: (line: string) => void, outputGraceMs: number): Promise<number> {
    const late = new AbortController();
    const { stdout, stderr, status } = this.#child;
    const exited = status.then(() => {
      this.#hasExited = true;
      return setTimeout(() => late.abort(), outputGraceMs);
    });
    const [timer] = await Promise.all([
      exited,
      readLines(stdout, late.signal, onLine),
      readLines(stderr, late.signal, onLine),
    ]);
    clearTimeout(timer);
    return (await status).code;
  }
}

/** Passes on the lines of a stream until the stream ends or `signal` aborts it. */
async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  try {
    const bytes = stream.pipeThrough(new TransformStream(), { signal });
    for await (const line of linesOf(bytes)) onLine(line);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
