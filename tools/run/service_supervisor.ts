/**
 * A server or node as a process that is started again when it dies, as Docker does it with
 * `on-failure`: with pauses that grow, and not forever.
 *
 * @module
 */

import { TaskError } from "../project.ts";
import { parseAction } from "./log_lines.ts";
import { describeExit } from "./report.ts";
import type { ServiceProcess } from "./service_process.ts";

/** A service that fails sooner after its start has failed quickly. */
const QUICK_MS = 10_000;
/** After this many quick failures in a row, it is not started again. */
export const QUICK_FAILURES_MAX = 5;
/** The pause after the first quick failure. Each further one doubles it. */
const PAUSE_MS = 100;

/** The process of a service: the part of {@linkcode ServiceProcess} that is used. */
export type SupervisedProcess = Pick<ServiceProcess, "ended" | "pid" | "stop">;

/** What a line of a program says about the program. */
export interface LineMeaning {
  /** It listens for connections. */
  isListening?: boolean;
  /** Why it fails, in its own words. */
  error?: string;
  /** Why it would fail again, so that starting it again is useless. */
  finalReason?: string;
}

/** Returns what a line of a server says about it. */
export function readServerLine(line: string): LineMeaning {
  const { action, result, error } = parseAction(line) ?? {};
  if (action === "listen" && result === "success") return { isListening: true };
  if (result !== "fail" || (action !== "start" && action !== "ledger")) return {};
  return { error, finalReason: action === "ledger" ? "its ledger failed" : undefined };
}

/** Options of {@linkcode ServiceSupervisor}. */
export interface SupervisorOptions {
  name: string;
  /** Starts a process, whose lines go to `onLine`. */
  spawn(onLine: (line: string) => void): SupervisedProcess;
  /** Receives the lines of the service, and those about it. */
  onLine(line: string): void;
  onEnd(exitCode: number): void;
  /** Called when the service has failed and is not started again. */
  onDown(): void;
  /** Returns what a line says about the service. @default {readServerLine} */
  readLine?: (line: string) => LineMeaning;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** Starts a server or node, and starts it again when it dies. */
export class ServiceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #now: () => number;
  readonly #readLine: (line: string) => LineMeaning;
  readonly #listening = Promise.withResolvers<void>();
  #process: SupervisedProcess;
  #hasListened = false;
  #isStopping = false;
  #isRestarting = false;
  #isDown = false;
  #quickFailures = 0;
  #restart: ReturnType<typeof setTimeout> | undefined;
  /** Why the service failed, in its own words. */
  #error: string | undefined;
  #finalReason: string | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#readLine = options.readLine ?? readServerLine;
    this.#process = this.#start();
  }

  /** Resolves when the service listens for the first time. Rejects if it cannot. */
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

  /**
   * Stops the process with SIGTERM, as {@linkcode stop} does, and starts another one.
   *
   * @returns Whether it did: a service that has failed, or is being stopped, is left alone.
   */
  async restart(graceMs: number): Promise<boolean> {
    if (this.#isStopping || this.#isDown) return false;
    clearTimeout(this.#restart);
    this.#isRestarting = true;
    await this.#process.stop(graceMs);
    this.#isRestarting = false;
    if (this.#isStopping) return false;
    this.#process = this.#start();
    return true;
  }

  /** Stops the service for good: with SIGTERM, and SIGKILL if it does not exit within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    await this.#process.stop(graceMs);
  }

  #start(): SupervisedProcess {
    const startedMs = this.#now();
    this.#error = undefined;
    const process = this.#options.spawn((line) => this.#takeLine(line));
    process.ended.then((exitCode) => this.#ended(exitCode, this.#now() - startedMs));
    return process;
  }

  #takeLine(line: string): void {
    this.#options.onLine(line);
    const { isListening, error, finalReason } = this.#readLine(line);
    this.#error = error ?? this.#error;
    this.#finalReason ??= finalReason;
    if (!isListening) return;
    if (this.#hasListened) this.#options.onLine(`${this.#options.name} listens again`);
    this.#hasListened = true;
    this.#listening.resolve();
  }

  #ended(exitCode: number, ranMs: number): void {
    this.#options.onEnd(exitCode);
    if (this.#isStopping || this.#isRestarting || exitCode === 0) return;
    const { name } = this.#options;
    // What has refused it, settings or the volume, would refuse it again.
    const isRefused = !this.#hasListened && exitCode <= 128;
    if (isRefused) {
      const reason = this.#error ?? `it ended with exit code ${exitCode}: see its lines`;
      return this.#listening.reject(new TaskError(`${name} cannot start: ${reason}`));
    }
    this.#quickFailures = ranMs < QUICK_MS ? this.#quickFailures + 1 : 0;
    const failure = describeExit({ name, exitCode });
    if (this.#finalReason !== undefined) this.#giveUp(failure, this.#finalReason);
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
    this.#isDown = true;
    onLine(text);
    onDown();
    this.#listening.reject(new TaskError(text));
  }
}
