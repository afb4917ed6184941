/**
 * Servers and clients that run together, in whatever way.
 *
 * @module
 */

import type { Agreement } from "./agreement.ts";
import type { Printer } from "./printer.ts";
import type { RunWatch } from "./run_watch.ts";

/** What a cluster is started with. */
export interface ClusterOptions {
  /** The project's root folder. */
  root: string;
  agreement: Agreement;
  /** Takes every line of every service. */
  printer: Printer;
  /** Takes what the clients do. */
  watch: RunWatch;
  /** Stops the cluster early. Its reason is the signal that this process got. */
  stop: AbortSignal;
  /** Told all processes that have been started so far, and would outlive this one if it were killed. */
  onStart(children: number[]): void;
}

/** How the servers ended: name and exit code of each. */
export type ServerEnds = Map<string, number>;

/**
 * Runs servers and clients until every client has ended, or none can go on, or `stop`; then stops what
 * still runs.
 *
 * @throws {TaskError} If the servers cannot be started.
 */
export type RunCluster = (options: ClusterOptions) => Promise<ServerEnds>;

/** Resolves when a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
