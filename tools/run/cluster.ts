/**
 * What `up` asks of a way to run servers and clients, as processes or in containers.
 *
 * @module
 */

import type { Printer } from "./printer.ts";
import type { RunSettings } from "./run_settings.ts";
import type { RunWatch } from "./run_watch.ts";

/** A way to run servers and clients. */
export interface Cluster {
  /**
   * Prepares this machine for a run, before anything of an earlier draw is moved.
   *
   * @throws {TaskError} If the run could not start.
   */
  prepare(settings: RunSettings): Promise<void> | void;
  /**
   * Runs servers and clients until every client has ended, none can make progress, or `stop`; then stops
   * the others.
   *
   * @returns The exit codes of the servers by name, as far as they are known.
   * @throws {TaskError} If the servers cannot be started.
   */
  run(options: RunOptions): Promise<Map<string, number>>;
}

/** Options of {@linkcode Cluster.run}. */
export interface RunOptions {
  settings: RunSettings;
  /** Takes every line of every service. */
  printer: Printer;
  /** Takes the lines and exit codes of the clients. */
  watch: RunWatch;
  /** Stops the run early. Its reason is the signal that this process received. */
  stop: AbortSignal;
  /** Called with the ids of all processes started so far that would outlive this one if it were killed. */
  onStart(children: number[]): void;
}

/** Resolves when a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

/** Waits until `work` settles, for at most `timeoutMs`. */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  await Promise.race([work, aborted(AbortSignal.timeout(timeoutMs))]);
}
