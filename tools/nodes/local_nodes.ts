/**
 * The three nodes as processes on this machine, each started again when it dies.
 *
 * @module
 */

import { PROJECT_ROOT, TASK, TaskError } from "../project.ts";
import { LOOPBACK } from "../run/loopback.ts";
import { ServiceProcess } from "../run/service_process.ts";
import { ServiceSupervisor } from "../run/service_supervisor.ts";
import type { NatsServer } from "./nats_server.ts";
import type { NodePorts } from "./node_config.ts";
import { exitCodeOfStopped, readNodeLine } from "./node_lines.ts";
import { localPorts, NODE_NAMES, NODES_FOLDER, writeNodeConfig } from "./nodes.ts";

/** A node that stops hands its leaderships over first. */
const STOP_GRACE_MS = 10_000;

/** Options of {@linkcode LocalNodes}. */
export interface LocalNodesOptions {
  server: NatsServer;
  /** NODE_PORT. */
  nodePort: number;
  /** The folder of the nodes' data. @default {the one on the volume} */
  folder?: string;
  /** Called with the processes of all nodes, whenever one is started. */
  onStart(pids: number[]): void;
  onLine(name: string, line: string): void;
  onEnd(name: string, exitCode: number): void;
  /** Called when a node has failed and is not started again. */
  onDown(name: string): void;
}

/**
 * Checks that the nodes can have their ports.
 *
 * @throws {TaskError} If another program has one.
 */
export function assertNodePortsFree(nodePort: number): void {
  for (const [index, ports] of localPorts(nodePort).entries()) {
    for (const port of Object.values(ports)) {
      try {
        Deno.listen({ hostname: LOOPBACK, port }).close();
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
        throw new TaskError(
          `Port ${port} of ${LOOPBACK}, which ${
            NODE_NAMES[index]
          } needs, is in use by another program: stop it ` +
            `(${TASK} down stops nodes of an earlier run), or change NODE_PORT in .env`,
        );
      }
    }
  }
}

/** The nodes. */
export class LocalNodes {
  readonly #options: LocalNodesOptions;
  /** By name. */
  readonly #nodes = new Map<string, ServiceSupervisor>();
  /** Those that end because they are stopped. */
  readonly #stopping = new Set<string>();

  constructor(options: LocalNodesOptions) {
    this.#options = options;
  }

  /**
   * Starts the nodes, and waits until all of them listen.
   *
   * @throws {TaskError} If one cannot start. It says why.
   */
  async start(): Promise<void> {
    const { folder = NODES_FOLDER, nodePort } = this.#options;
    const ports = localPorts(nodePort);
    const routes = ports.map(({ cluster }) => `${LOOPBACK}:${cluster}`);
    for (const [index, name] of NODE_NAMES.entries()) {
      const config = await this.#writeConfig({ name, ports: ports[index], routes, folder });
      this.#nodes.set(name, this.#supervise(name, config));
    }
    await Promise.all(Array.from(this.#nodes.values(), (node) => node.listening));
  }

  /** Stops a node and starts it again, unless it has failed for good. */
  async restart(name: string): Promise<void> {
    this.#stopping.add(name);
    await this.#nodes.get(name)!.restart(STOP_GRACE_MS);
    this.#stopping.delete(name);
  }

  /** Stops the nodes, and waits for all of them. */
  async stop(): Promise<void> {
    for (const name of this.#nodes.keys()) this.#stopping.add(name);
    await Promise.all(Array.from(this.#nodes.values(), (node) => node.stop(STOP_GRACE_MS)));
  }

  async #writeConfig({ name, ports, routes, folder }: LocalNode): Promise<string> {
    const storeFolder = `${folder}/${name}`;
    await Deno.mkdir(storeFolder, { recursive: true });
    return await writeNodeConfig({ name, listenIp: LOOPBACK, ports, routes, storeFolder });
  }

  #supervise(name: string, config: string): ServiceSupervisor {
    const { server, onDown, onEnd, onLine, onStart } = this.#options;
    return new ServiceSupervisor({
      name,
      spawn: (onLine) => {
        const process = new ServiceProcess({
          command: server.path,
          args: ["--config", config],
          cwd: PROJECT_ROOT,
          onLine,
          // Servers need the nodes until they have stopped.
          isDetached: true,
        });
        onStart([...Array.from(this.#nodes.values(), ({ pid }) => pid), process.pid]);
        return process;
      },
      readLine: readNodeLine,
      onLine: (line) => onLine(name, line),
      onEnd: (exitCode) =>
        onEnd(name, this.#stopping.has(name) ? exitCodeOfStopped(exitCode) : exitCode),
      onDown: () => onDown(name),
    });
  }
}

interface LocalNode {
  name: string;
  ports: NodePorts;
  routes: string[];
  folder: string;
}
