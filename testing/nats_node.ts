/**
 * One node of a NATS cluster, as a process.
 *
 * @module
 */

import type { Address } from "./ports.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** Longest wait for an answer of the monitoring port: a stopped process never answers. */
const MONITOR_MS = 2000;

/** The ports of a node. It keeps them when it is started again. */
export interface NatsPorts {
  client: number;
  cluster: number;
  monitoring: number;
}

/** Options of {@linkcode NatsNode}. */
export interface NatsNodeOptions {
  name: string;
  hostname: string;
  ports: NatsPorts;
  /** The folder of its streams. Made if it is missing. */
  folder: string;
  /** The program and its arguments. */
  program: ProgramOptions;
}

/** A state of one stream, as one node sees it. */
export interface StreamState {
  name: string;
  messages: number;
  /** Whether this node leads it, as far as it knows. */
  isLeader: boolean;
  /** The other replicas. Only the leader knows the lag, in messages of the Raft log. */
  replicas: { name: string; isCurrent: boolean; lag: number }[];
}

/** A node that can be stopped, killed, paused and started again. */
export class NatsNode {
  readonly name: string;
  readonly folder: string;
  readonly ports: NatsPorts;
  readonly #hostname: string;
  readonly #launch: ProgramOptions;
  #process: Program | undefined;

  constructor({ name, hostname, ports, folder, program }: NatsNodeOptions) {
    this.name = name;
    this.folder = folder;
    this.ports = ports;
    this.#hostname = hostname;
    this.#launch = program;
  }

  /** Where clients connect. */
  get address(): Address {
    return { hostname: this.#hostname, port: this.ports.client };
  }

  /** The process that runs, or the latest one that ran. It must have been started once. */
  get process(): Program {
    if (this.#process === undefined) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning ?? false;
  }

  /** Starts it, unless it runs, and waits until it accepts clients. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    Deno.mkdirSync(this.folder, { recursive: true });
    this.#process = new Program(this.#launch);
    await this.#process.line(/Server is ready/);
  }

  /** Sends SIGTERM and waits until it has exited. */
  async stop(): Promise<void> {
    this.resume();
    await this.#process?.stop();
  }

  /** Sends SIGKILL and waits until it has exited. Works on a paused node as well. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Sends SIGSTOP: its connections stay open, and it answers nothing. */
  pause(): void {
    this.#process?.signal("SIGSTOP");
  }

  /** Sends SIGCONT. */
  resume(): void {
    this.#process?.signal("SIGCONT");
  }

  /** Removes all that it has stored. It must not run. */
  async wipe(): Promise<void> {
    if (this.isRunning) throw new Error(`Cannot wipe ${this.name}: it is running`);
    for await (const { name } of Deno.readDir(this.folder)) {
      await Deno.remove(`${this.folder}/${name}`, { recursive: true });
    }
  }

  /**
   * Asks its monitoring port, for example for "/varz".
   *
   * @returns The answer, or undefined if there is none.
   */
  async monitor(path: string): Promise<unknown> {
    if (!this.isRunning) return undefined;
    try {
      const url = `http://${this.#hostname}:${this.ports.monitoring}${path}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(MONITOR_MS) });
      return await answer.json();
    } catch {
      return undefined;
    }
  }

  /** Returns whether it knows a leader of the cluster, and has all messages of its streams. */
  async isHealthy(): Promise<boolean> {
    const health = await this.monitor("/healthz") as { status?: string } | undefined;
    return health?.status === "ok";
  }

  /** Returns the streams that it stores, as it sees them; none if it does not answer. */
  async streams(): Promise<StreamState[]> {
    const answer = await this.monitor("/jsz?streams=true") as JetStreamAnswer | undefined;
    const streams = answer?.account_details?.flatMap((account) => account.stream_detail ?? []);
    return streams?.map(({ name, state, cluster }) => ({
      name,
      messages: state.messages,
      isLeader: cluster === undefined || cluster.leader === this.name,
      replicas: (cluster?.replicas ?? []).map(({ name, current, lag = 0 }) => ({
        name,
        isCurrent: current,
        lag,
      })),
    })) ?? [];
  }
}

/** What this module reads of the answer of /jsz. A single node has no `cluster`. */
interface JetStreamAnswer {
  account_details?: {
    stream_detail?: {
      name: string;
      state: { messages: number };
      cluster?: {
        leader?: string;
        replicas?: { name: string; current: boolean; lag?: number }[];
      };
    }[];
  }[];
}
