/**
 * What `up` asks of a way to run servers and clients, as processes or in containers.
 *
 * @module
 */

import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import type { BoardPlan } from "./board.ts";
import type { RunSettings } from "./run_settings.ts";

/** A way to run servers and clients. */
export interface Cluster {
  /**
   * Prepares this machine for a run, before anything of an earlier draw is moved.
   *
   * @throws {TaskError} If the run could not start.
   */
  prepare(settings: RunSettings): Promise<void> | void;
  /**
   * Runs servers and clients until the run is finished, then stops those that are left.
   *
   * @throws {TaskError} If the servers cannot be started.
   */
  run(options: RunOptions): Promise<void>;
}

/** Options of {@linkcode Cluster.run}. */
export interface RunOptions {
  settings: RunSettings;
  /** Resolves when no client can make progress any more, or on `stop`. */
  finished: Promise<unknown>;
  /** The board to start. @default {none} */
  board?: BoardPlan;
  /** Stops the run early. Its reason is the signal that this process received. */
  stop: AbortSignal;
  /** Called with all processes so far that would outlive this one if it were killed. */
  onStart(children: number[]): void;
  /** Called with every line that a service, or Docker, has printed. */
  onLine(name: string, line: string): void;
  /** Called when a service has ended; a server may start again after that. */
  onEnd(name: string, exitCode: number): void;
  /** Called with the addresses of the servers' status, where they are processes of this machine. */
  onServers(servers: StatusAddress[]): void;
  /** Called when a server has failed and is not started again. */
  onDown(name: string): void;
  /** Called when servers and clients have stopped; the board runs until this is done. */
  onStopped(): Promise<void>;
}

/** Waits until `work` settles, for at most `timeoutMs`. */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
