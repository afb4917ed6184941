/**
 * A program that runs as one service of the lottery, and whose output is followed line by line.
 *
 * @module
 */

import { linesOf } from "./log_lines.ts";

/**
 * How long the output of a program that has ended may stay open: one that it has left behind may hold it, as
 * `docker compose` does now and then when it is told to end.
 */
const OUTPUT_PATIENCE_MS = 2000;

/** How to start a program. */
export interface ServiceOptions {
  /** The program's path or name. */
  command: string;
  args: string[];
  cwd: string;
  /** Its whole environment. @default {that of this process} */
  env?: Record<string, string>;
  /** Takes each line of its output and its errors. */
  onLine(line: string): void;
  /** How long its output may stay open when it has ended. @default {2000} */
  outputPatienceMs?: number;
}

/** A program that was started. */
export class ServiceProcess {
  /** Its exit code, when it has ended and its last line was handed on; 128 and more for a signal. */
  readonly ended: Promise<number>;
  /** The id of its process. */
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  #hasEnded = false;

  constructor(
    { command, args, cwd, env, onLine, outputPatienceMs = OUTPUT_PATIENCE_MS }: ServiceOptions,
  ) {
    this.#child = new Deno.Command(command, {
      args,
      cwd,
      env,
      clearEnv: env !== undefined,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.ended = this.#follow(onLine, outputPatienceMs);
  }

  /** Sends a signal, unless the program has ended. */
  signal(signal: Deno.Signal): void {
    if (this.#hasEnded) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended in this very moment.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /**
   * Asks the program to end, and forces it to if it has not after a while.
   *
   * @returns Its exit code.
   */
  async stop(graceMs: number): Promise<number> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    return await this.ended.finally(() => clearTimeout(timer));
  }

  async #follow(onLine: (line: string) => void, outputPatienceMs: number): Promise<number> {
    const late = new AbortController();
    const { stdout, stderr, status } = this.#child;
    const ended = status.then(() => {
      this.#hasEnded = true;
      return setTimeout(() => late.abort(), outputPatienceMs);
    });
    const [timer] = await Promise.all([
      ended,
      readLines(stdout, late.signal, onLine),
      readLines(stderr, late.signal, onLine),
    ]);
    clearTimeout(timer);
    return (await status).code;
  }
}

/** Hands on the lines of a stream until it ends, or `signal`, which closes it. */
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
