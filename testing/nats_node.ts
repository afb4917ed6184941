/**
 * One node of a NATS cluster, as a process.
 *
 * @module
 */

import { Monitoring } from "../tools/nodes/monitoring.ts";
import type { NodePorts } from "../tools/nodes/node_config.ts";
import type { Address } from "./ports.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** Options of {@linkcode NatsNode}. */
export interface NatsNodeOptions {
  name: string;
  /** The address on which it listens. */
  hostname: string;
  /** It keeps them when it is started again. */
  ports: NodePorts;
  /** The folder of its streams. Made if it is missing. */
  folder: string;
  /** The program and its arguments. */
  program: ProgramOptions;
}

/** A state of one stream, as one node sees it. */
export interface StreamState {
  name: string;
  messages: number;
  /** What they take on its disk. */
  bytes: number;
  /** Whether this node leads it, as far as it knows. */
  isLeader: boolean;
  /** The other replicas. Only the leader knows the lag, in messages of the Raft log. */
  replicas: { name: string; isCurrent: boolean; lag: number }[];
}

/** A node that can be stopped, killed, paused and started again. */
export class NatsNode {
  readonly name: string;
  /** Where clients connect. */
  readonly address: Address;
  readonly folder: string;
  readonly monitoring: Monitoring;
  readonly #launch: ProgramOptions;
  #process: Program | undefined;
  /** Whether it was started, and neither stopped nor killed since. */
  #isWanted = false;

  constructor({ name, hostname, ports, folder, program }: NatsNodeOptions) {
    this.name = name;
    this.folder = folder;
    this.address = { hostname, port: ports.client };
    this.monitoring = new Monitoring(`${hostname}:${ports.monitoring}`);
    this.#launch = program;
  }

  /** The process that runs, or the latest one that ran; undefined if it was never started. */
  get process(): Program | undefined {
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning ?? false;
  }

  /** Whether it has ended by itself. */
  get hasCrashed(): boolean {
    return this.#isWanted && !this.isRunning;
  }

  /** Starts it, unless it runs, and waits until it accepts clients. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    this.#isWanted = true;
    Deno.mkdirSync(this.folder, { recursive: true });
    this.#process = new Program(this.#launch);
    await this.#process.line(/Server is ready/);
  }

  /** Sends SIGTERM and waits until it has exited. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.resume();
    await this.#process?.stop();
  }

  /** Sends SIGKILL and waits until it has exited. Works on a paused node as well. */
  async kill(): Promise<void> {
    this.#isWanted = false;
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

  /** Returns whether it knows a leader of the cluster, and has all messages of its streams. */
  async isHealthy(): Promise<boolean> {
    return (await this.#unlessSilent(this.monitoring.health()))?.status === "ok";
  }

  /** Returns the streams that it stores, as it sees them; none if it does not answer. */
  async streams(): Promise<StreamState[]> {
    const answer = await this.#unlessSilent(this.monitoring.jetStream());
    const streams = answer?.account_details?.flatMap((account) => account.stream_detail ?? []);
    return streams?.map(({ name, state, cluster }) => ({
      name,
      messages: state.messages,
      bytes: state.bytes,
      isLeader: cluster === undefined || cluster.leader === this.name,
      replicas: (cluster?.replicas ?? []).map(({ name, current, lag = 0 }) => ({
        name,
        isCurrent: current,
        lag,
      })),
    })) ?? [];
  }

  /** A node that is down, paused or starting does not answer. */
  async #unlessSilent<Answer>(question: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await question;
    } catch {
      return undefined;
    }
  }
}
