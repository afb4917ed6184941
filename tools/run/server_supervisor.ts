/**
 * A server as a process that is started again when it dies, as Docker does it with `on-failure`:
 * with pauses that grow, and not forever.
 *
 * @module
 */

import { TaskError } from "../project.ts";
import { parseAction } from "./log_lines.ts";
import { describeExit } from "./report.ts";
import type { ServiceProcess } from "./service_process.ts";

/** A server that fails sooner after its start has failed quickly. */
const QUICK_MS = 10_000;
/** After this many quick failures in a row, it is not started again. */
export const QUICK_FAILURES_MAX = 5;
/** The pause after the first quick failure. Each further one doubles it. */
const PAUSE_MS = 100;

/** The process of a server: the part of {@linkcode ServiceProcess} that is used. */
export type ServerProcess = Pick<ServiceProcess, "ended" | "pid" | "stop">;

/** Options of {@linkcode ServerSupervisor}. */
export interface SupervisorOptions {
  name: string;
  /** Starts a process, whose lines go to `onLine`. */
  spawn(onLine: (line: string) => void): ServerProcess;
  /** Receives the lines of the server, and those about it. */
  onLine(line: string): void;
  onEnd(exitCode: number): void;
  /** Called when the server has failed and is not started again. */
  onDown(): void;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** Starts a server, and starts it again when it dies. */
export class ServerSupervisor {
  readonly #options: SupervisorOptions;
  readonly #now: () => number;
  readonly #listening = Promise.withResolvers<void>();
  #process: ServerProcess;
  #hasListened = false;
  #isStopping = false;
  #quickFailures = 0;
  #restart: ReturnType<typeof setTimeout> | undefined;
  /** Why the server failed, in its own words. */
  #error: string | undefined;
  #hasLedgerFailed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#process = this.#start();
  }

  /** Resolves when the server listens for the first time. Rejects if it cannot. */
  get listening(): Promise<void> {
    return this.#listening.promise;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when the current process has ended. */
  get ended(): Promise<unknown> {
    return this.#process.ended;
  }

  /** Stops the server for good: with SIGTERM, and SIGKILL if it does not exit within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    await this.#process.stop(graceMs);
  }

  #start(): ServerProcess {
    const startedMs = this.#now();
    this.#error = undefined;
    const process = this.#options.spawn((line) => this.#takeLine(line));
    process.ended.then((exitCode) => this.#ended(exitCode, this.#now() - startedMs));
    return process;
  }

  #takeLine(line: string): void {
    this.#options.onLine(line);
    const { action, result, error } = parseAction(line) ?? {};
    if (action === "listen" && result === "success") {
      if (this.#hasListened) this.#options.onLine(`${this.#options.name} listens again`);
      this.#hasListened = true;
      this.#listening.resolve();
    } else if ((action === "start" || action === "ledger") && result === "fail") {
      this.#error = error;
      this.#hasLedgerFailed ||= action === "ledger";
    }
  }

  #ended(exitCode: number, ranMs: number): void {
    this.#options.onEnd(exitCode);
    if (this.#isStopping || exitCode === 0) return;
    const { name } = this.#options;
    // Settings, or the volume, would refuse it again.
    const isRefused = !this.#hasListened && exitCode <= 128;
    if (isRefused) {
      const reason = this.#error ?? `it ended with exit code ${exitCode}: see its lines`;
      return this.#listening.reject(new TaskError(`${name} cannot start: ${reason}`));
    }
    this.#quickFailures = ranMs < QUICK_MS ? this.#quickFailures + 1 : 0;
    const failure = describeExit({ name, exitCode });
    if (this.#hasLedgerFailed) this.#giveUp(failure, "its ledger failed");
    else if (this.#quickFailures < QUICK_FAILURES_MAX) this.#restartSoon(failure);
    else this.#giveUp(failure, `it failed ${QUICK_FAILURES_MAX} times within seconds of its start`);
  }

  #restartSoon(failure: string): void {
    const pauseMs = PAUSE_MS * 2 ** Math.max(0, this.#quickFailures - 1);
    this.#options.onLine(`${failure}. Starting it again`);
    this.#restart = setTimeout(() => {
      try {
        this.#process = this.#start();
      } catch (error) {
        this.#giveUp(failure, (error as Error).message);
      }
    }, pauseMs);
  }

  #giveUp(failure: string, reason: string): void {
    const { onDown, onLine } = this.#options;
    const text = `${failure} and is not started again: ${reason}`;
    onLine(text);
    onDown();
    this.#listening.reject(new TaskError(text));
  }
}
