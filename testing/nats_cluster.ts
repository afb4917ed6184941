/**
 * A cluster of real NATS servers with JetStream, as processes of this machine.
 *
 * @module
 */

import type { Monitoring } from "../tools/nodes/monitoring.ts";
import { nodeConfig, type NodeOptions } from "../tools/nodes/node_config.ts";
import { findFaults, untilReady } from "../tools/nodes/readiness.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import { NatsNode, type StreamState } from "./nats_node.ts";
import { natsServers } from "./nats_server.ts";
import { steadyPort } from "./ports.ts";
import type { ProgramOptions } from "./program.ts";
import { tempFolder } from "./temp_folder.ts";

/** Longest wait for a state of the cluster: an election takes up to 9 seconds. */
const TIMEOUT_MS = 60_000;
const POLL_MS = 100;
/** By default a node accepts no more than its disk holds at its start. */
const STORAGE = { maxFileBytes: 16 * 2 ** 30 };

/** Options of {@linkcode NatsCluster}. */
export interface NatsClusterOptions {
  /** How many nodes: 1, which does not replicate, or 3. @default {3} */
  nodes?: number;
  /** The program. @default {the first of natsServers()} */
  executable?: string;
  /** Where each node stores its streams. @default {folders that are removed with the cluster} */
  folders?: readonly string[];
  /** The address of each node, an IP of this machine. @default {that of the loopback} */
  hostnames?: readonly string[];
  /** Whether a message is on the disk before it is acknowledged. @default {true} */
  syncAlways?: boolean;
  /** More configuration of every node, for example users or certificates. */
  config?: Partial<NodeOptions>;
  /** Changes the program of a node, for example to run it in a network namespace. */
  adapt?: (program: ProgramOptions, index: number) => ProgramOptions;
}

/** Nodes of one cluster. At the end of the block they are killed. */
export class NatsCluster implements AsyncDisposable {
  readonly nodes: readonly NatsNode[];
  /** How often a node had to be started again: see {@linkcode recover}. */
  restarts = 0;
  /** The last lines of nodes that have ended by themselves. */
  readonly crashes: string[] = [];
  readonly #resources = new AsyncDisposableStack();

  /** Starts no node yet: see {@linkcode start}. */
  constructor(options: NatsClusterOptions = {}) {
    const { nodes: count = 3, folders, hostnames, syncAlways, config } = options;
    const { adapt = (program) => program } = options;
    const folder = this.#resources.use(tempFolder()).path;
    const executable = options.executable ?? natsServers()[0]?.path;
    if (executable === undefined) {
      throw new Error("There is no nats-server: run .ci/nats.sh, or name one in NATS_SERVER");
    }
    const names = Array.from({ length: count }, (_, index) => `node${index + 1}`);
    const places = names.map((_, index) => ({
      hostname: hostnames?.[index] ?? LOOPBACK,
      ports: { client: steadyPort(), cluster: steadyPort(), monitoring: steadyPort() },
    }));
    const routes = places.map(({ hostname, ports }) => `${hostname}:${ports.cluster}`);
    this.nodes = names.map((name, index) => {
      const { hostname, ports } = places[index];
      const storeFolder = folders?.[index] ?? `${folder}/${name}`;
      const path = `${folder}/${name}.conf`;
      const plan = { name, listenIp: hostname, ports, routes, storeFolder };
      Deno.writeTextFileSync(path, nodeConfig({ ...plan, ...STORAGE, syncAlways, ...config }));
      const program = adapt({ name, command: executable, args: ["--config", path] }, index);
      return new NatsNode({ name, hostname, ports, folder: storeFolder, program });
    });
  }

  /** Starts a cluster and waits until it is ready. */
  static async start(options?: NatsClusterOptions): Promise<NatsCluster> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(new NatsCluster(options));
    await cluster.startAll();
    stack.move();
    return cluster;
  }

  /** Where servers connect: `host:port` of every node. */
  get addresses(): string[] {
    return this.nodes.map(({ address: { hostname, port } }) => `${hostname}:${port}`);
  }

  /** LEDGER and the settings that belong to it. */
  get environment(): Record<string, string> {
    return {
      LEDGER: `nats://${this.addresses.join(",")}`,
      LEDGER_REPLICAS: String(this.nodes.length),
    };
  }

  /**
   * Starts every node that is not running, and waits until the cluster is ready: see {@linkcode recover}.
   */
  async startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.recover();
  }

  /** Waits until every node is ready, but for those that were stopped. */
  async ready(): Promise<void> {
    await this.until("every node is ready", async () => {
      const faults = await findFaults(this.#monitoring);
      const wanted = this.nodes.filter(({ isRunning, hasCrashed }) => isRunning || hasCrashed);
      return wanted.every(({ name }) => !faults.has(name));
    });
  }

  /** Waits until every node is ready, and starts those again that stand still or have ended by themselves. */
  async recover(): Promise<void> {
    try {
      await untilReady(this.#monitoring, { restart: (name) => this.#restart(name) });
    } catch (cause) {
      throw new Error(`${(cause as Error).message}:\n${this.tail()}`, { cause });
    }
  }

  /** Returns the node that leads a stream, or undefined during an election. */
  async findLeader(stream: string): Promise<NatsNode | undefined> {
    const states = await Promise.all(this.nodes.map((node) => node.streams()));
    const leads = (streams: StreamState[]) =>
      streams.some(({ name, isLeader }) => name === stream && isLeader);
    return this.nodes.find((_, index) => leads(states[index]));
  }

  /** Waits until a node leads a stream. Returns the node. */
  async leader(stream: string): Promise<NatsNode> {
    let leader: NatsNode | undefined;
    await this.until(`a node leads ${stream}`, async () => {
      leader = await this.findLeader(stream);
      return leader !== undefined;
    });
    return leader!;
  }

  /** Returns the names of all streams, in order. */
  async streamNames(): Promise<string[]> {
    const streams = await Promise.all(this.nodes.map((node) => node.streams()));
    return [...new Set(streams.flat().map(({ name }) => name))].sort();
  }

  /** Waits until every replica of every stream has all its messages. */
  async replicated(): Promise<void> {
    await this.until("every replica is current", async () => {
      const states = await Promise.all(this.nodes.map((node) => node.streams()));
      const streams = Map.groupBy(states.flat(), ({ name }) => name);
      return [...streams.values()].every(isReplicated);
    });
  }

  /**
   * Waits for a state that no event reports.
   *
   * @throws {Error} If that takes longer than `timeoutMs`. `what` describes the state.
   */
  async until(
    what: string,
    isReached: () => Promise<boolean>,
    timeoutMs: number = TIMEOUT_MS,
  ): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (!await isReached()) {
      if (performance.now() > endMs) {
        throw new Error(
          `The cluster is not ready after ${timeoutMs / 1000} s: ${what}:\n${this.tail()}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  get #monitoring(): Map<string, Monitoring> {
    return new Map(this.nodes.map(({ name, monitoring }) => [name, monitoring]));
  }

  async #restart(name: string): Promise<void> {
    const node = this.nodes.find((node) => node.name === name)!;
    if (node.hasCrashed) this.crashes.push(`${name}:\n${node.process?.tail()}`);
    await node.stop();
    await node.start();
    this.restarts++;
  }

  /** Returns the last lines of the nodes, for the message of a failure. */
  tail(): string {
    const describe = ({ name, isRunning, process }: NatsNode) =>
      `  ${name}${isRunning ? "" : ", which has ended"}:\n${
        process?.tail() ?? "    never started"
      }`;
    return this.nodes.map(describe).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.#resources.disposeAsync();
  }
}

/**
 * Returns whether all replicas of a stream are up to date, given the state that each node reports.
 * Only the leader knows how far the others are; what the others report of each other is stale.
 */
function isReplicated(states: StreamState[]): boolean {
  const replicas = states.find(({ isLeader }) => isLeader)?.replicas;
  const isCurrent = replicas?.every(({ isCurrent, lag }) => isCurrent && lag === 0) ?? false;
  return isCurrent && new Set(states.map(({ messages }) => messages)).size === 1;
}
