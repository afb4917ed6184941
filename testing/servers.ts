/**
 * Servers as processes, which share a volume or the nodes of a cluster.
 *
 * @module
 */

import { AUDIT_FOLDER } from "../server/audit/audit_files.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { LOOPBACK, LOOPBACK_BROADCAST } from "../tools/run/loopback.ts";
import { engineModules, serverFlags } from "../tools/run/permissions.ts";
import { serverEnvironment } from "./lottery_environment.ts";
import { type Address, freePort } from "./ports.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { tempFolder } from "./temp_folder.ts";

/** The nodes that keep the ledger of a group of servers; see nats_cluster.ts. */
export interface LedgerNodes {
  /** LEDGER and the settings that belong to it. */
  environment: Readonly<Record<string, string>>;
  /** Every `host:port` that LEDGER names. */
  addresses: readonly string[];
}

/** Options of {@linkcode ServerGroup}. */
export interface ServerGroupOptions {
  /** How many servers. */
  servers: number;
  agencies: number;
  /** The folder of bets.csv and agencies_closed.txt. @default {a new one, removed with the group} */
  volume?: string;
  /** Nodes that keep the ledger instead of the volume, as the server with this index reaches them. @default {none} */
  nodes?: (index: number) => LedgerNodes;
  /**
   * Whether all servers listen on one port, so that the kernel distributes the connections. Otherwise each
   * has a port of its own.
   *
   * @default {true}
   */
  sharedPort?: boolean;
  /** The address on which each server listens. @default {that of the loopback} */
  hostnames?: readonly string[];
  /** The UDP port of broadcasts. @default {a free one} */
  broadcastPort?: number;
  /** The folder of certificates and keys that `env` names. @default {none} */
  secrets?: string;
  /** Whether each server has a status port. @default {false} */
  hasStatus?: boolean;
  /** More settings. */
  env?: Record<string, string>;
  /** Whether each has an audit log under its own name, in `audit` on the volume. @default {false} */
  hasAudit?: boolean;
  /** Changes the program that a start of a server runs. @default {no change} */
  adapt?: (program: ProgramOptions, start: ServerStart) => ProgramOptions;
}

const STATUS_LINE = /action: status \| result: success .*port: (\d+)/;

/** One start of one server. */
export interface ServerStart {
  /** The server's index in {@linkcode ServerGroup.servers}. */
  index: number;
  /** Whether the server was never started before. */
  isFirst: boolean;
}

/** A server that keeps its name and its port when it is started again. */
export class RestartableServer {
  readonly name: string;
  /** Every process that it had, the latest one last. */
  readonly processes: Program[] = [];
  /** The port on which it listens; 0 before its first start. */
  port = 0;
  readonly #hostname: string;
  /** The port of its status; 0 before its first start, and if it has none. */
  statusPort = 0;
  readonly #launch: () => Program;

  constructor(name: string, hostname: string, launch: () => Program) {
    this.name = name;
    this.#hostname = hostname;
    this.#launch = launch;
  }

  get address(): Address {
    return { hostname: this.#hostname, port: this.port };
  }

  /** The process that runs, or the latest one that ran. It must have been started once. */
  get process(): Program {
    return this.processes[this.processes.length - 1];
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const process = this.#launch();
    this.processes.push(process);
    const [, port] = await process.line(/action: listen \| result: success .*port: (\d+)/);
    this.port = Number(port);
    const status = process.lines.map((line) => STATUS_LINE.exec(line)).find((match) => match);
    this.statusPort = Number(status?.[1] ?? 0);
  }

  /** Asks its status port for a path. */
  async status(path: string): Promise<{ code: number; text: string }> {
    const response = await fetch(`http://${LOOPBACK}:${this.statusPort}${path}`);
    return { code: response.status, text: await response.text() };
  }
}

/** Servers that share a ledger. At the end of the block they are killed. */
export class ServerGroup implements AsyncDisposable {
  readonly servers: readonly RestartableServer[];
  /** The folder of bets.csv and agencies_closed.txt. */
  readonly volume: string;
  readonly #options: ServerGroupOptions;
  readonly #broadcastPort: number;
  readonly #resources = new AsyncDisposableStack();

  /** Starts no server yet: see {@linkcode start}. */
  constructor(options: ServerGroupOptions) {
    this.#options = options;
    this.#broadcastPort = options.broadcastPort ?? freePort("udp");
    this.volume = options.volume ?? this.#resources.use(tempFolder()).path;
    this.servers = Array.from(
      { length: options.servers },
      (_, index) =>
        new RestartableServer(
          `server${index + 1}`,
          options.hostnames?.[index] ?? LOOPBACK,
          () => this.#launch(index),
        ),
    );
  }

  /** Makes a group of this class, or of a class derived from it, and starts its servers. */
  static async start<Options, Group extends ServerGroup>(
    this: new (options: Options) => Group,
    options: Options,
  ): Promise<Group> {
    await using stack = new AsyncDisposableStack();
    const group = stack.use(new this(options));
    await group.startAll();
    stack.move();
    return group;
  }

  /** Where clients find the servers, if these share a port; otherwise where they find the first. */
  get address(): Address {
    return this.servers[0].address;
  }

  /** Every process of every server, ended ones included. */
  get processes(): Program[] {
    return this.servers.flatMap(({ processes }) => processes);
  }

  /** Starts every server that is not running, and waits until all listen. */
  async startAll(): Promise<void> {
    const stopped = this.servers.filter(({ processes }) => !processes.at(-1)?.isRunning);
    // The first server to start chooses the port that all may share.
    if (this.address.port === 0) await stopped.shift()?.start();
    await Promise.all(stopped.map((server) => server.start()));
  }

  /** Stops all servers. Returns their exit codes. */
  stop(): Promise<number[]> {
    return Promise.all(this.servers.map(({ process }) => process.stop()));
  }

  /** Kills all servers, as a power cut would. */
  async kill(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
  }

  /** Returns how many lines of all processes match. */
  countLines(pattern: RegExp): number {
    return this.processes.reduce((sum, process) => sum + process.count(pattern), 0);
  }

  /** Returns the last lines of the servers, for the message of a failure. */
  tail(): string {
    return this.servers.map(({ name, process }) => `  ${name}:\n${process.tail()}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#resources.disposeAsync();
  }

  #launch(index: number): Program {
    const { agencies, sharedPort = true, hasStatus = false, hasAudit, secrets, env } =
      this.#options;
    const { adapt = (program) => program } = this.#options;
    const nodes = this.#options.nodes?.(index);
    const server = this.servers[index];
    const { port } = sharedPort ? this.servers[0] : server;
    const { volume } = this;
    const listenIp = server.address.hostname;
    const broadcastPort = this.#broadcastPort;
    const permissions = serverFlags({
      config: `${PROJECT_ROOT}/server/config.ini`,
      sharedVolume: volume,
      secrets: secrets === undefined ? [] : [secrets],
      nodes: nodes && {
        addresses: nodes.addresses,
        files: [],
        modules: engineModules(PROJECT_ROOT),
      },
      network: {
        listenIp,
        port,
        broadcastIp: LOOPBACK_BROADCAST,
        broadcastPort,
        ...hasStatus && { status: { ip: LOOPBACK, port: 0 } },
      },
    });
    const program = {
      name: server.name,
      args: ["run", "--quiet", ...permissions, "server/main.ts"],
      env: {
        ...serverEnvironment({ listenIp, port, broadcastPort, agencies, volume }),
        ...hasStatus && { STATUS_PORT: "0" },
        ...nodes?.environment,
        ...hasAudit && { AUDIT_LOG: `${volume}/${AUDIT_FOLDER}`, AUDIT_NAME: server.name },
        ...env,
      },
    };
    return new Program(adapt(program, { index, isFirst: server.processes.length === 0 }));
  }
}
