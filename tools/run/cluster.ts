/**
 * How `up` runs nodes, servers and clients: as processes or in containers.
 *
 * @module
 */

import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import type { BoardPlan } from "./board.ts";
import type { RunSettings } from "./run_settings.ts";

/** A way to run nodes, servers and clients. */
export interface Cluster {
  /**
   * Prepares this machine for a run, before anything of an earlier draw is moved. What it has changed goes to
   * `say`.
   *
   * @throws {TaskError} If the run could not start.
   */
  prepare(settings: RunSettings, say: (line: string) => void): Promise<void> | void;
  /** Finds where the servers report their status. @default {`onServers` is called with it} */
  findServers?(): Promise<StatusAddress[]>;
  /**
   * Starts the nodes of the ledger, and waits until they listen.
   *
   * @throws {TaskError} If one cannot start.
   */
  startNodes(options: ServiceOptions): Promise<RunningNodes>;
  /**
   * Runs servers and clients until the run is finished, then stops those that are left.
   *
   * @throws {TaskError} If the servers cannot be started.
   */
  run(options: RunOptions): Promise<void>;
  /**
   * Starts the board.
   *
   * @param servers Where the servers of this machine report their status; those in containers have a name.
   */
  startBoard(options: BoardOptions, servers: readonly StatusAddress[]): RunningBoard;
}

/** What the board is started with. */
export interface BoardOptions extends ServiceOptions {
  board: BoardPlan;
}

/** The board, while it runs. It outlives the servers. */
export interface RunningBoard {
  /** Stops the board. Nothing else of the run may be left. */
  stop(): Promise<void>;
}

/** The nodes of the ledger, while they run. */
export interface RunningNodes {
  /** Stops a node and starts it again. */
  restart(name: string): Promise<unknown>;
  /** Stops the nodes, and waits for their end. No server may run any more. */
  stop(): Promise<void>;
}

/** What services are started with, and what they report. */
export interface ServiceOptions {
  settings: RunSettings;
  /** The board of this run, if it has one. */
  board?: BoardPlan;
  /** Called with all of these processes so far that would outlive this one if it were killed. */
  onStart(children: number[]): void;
  /** Called with every line that a service, or Docker, has printed. */
  onLine(name: string, line: string): void;
  /** Called when a service has ended; a server or node may start again after that. */
  onEnd(name: string, exitCode: number): void;
  /** Called when a server or node has failed and is not started again. */
  onDown(name: string): void;
  /** Called when something begins that may take seconds: "Building the images". */
  onStep(step: string): void;
}

/** Options of {@linkcode Cluster.run}. */
export interface RunOptions extends ServiceOptions {
  /** Resolves when no client can make progress any more, or on `stop`. */
  finished: Promise<unknown>;
  /** Stops the run early. Its reason is the signal that this process received. */
  stop: AbortSignal;
  /**
   * Called before the servers start, with the addresses of their status where they are processes of this machine,
   * and again without any at their end.
   */
  onServers(servers: StatusAddress[]): Promise<void>;
}

/** Starts nodes. If one cannot start, it stops the others. */
export async function startOrStop<Nodes extends RunningNodes & { start(): Promise<void> }>(
  nodes: Nodes,
): Promise<Nodes> {
  try {
    await nodes.start();
    return nodes;
  } catch (error) {
    await nodes.stop();
    throw error;
  }
}

/** Waits until `work` settles, for at most `timeoutMs`. */
export async function settledWithin(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
