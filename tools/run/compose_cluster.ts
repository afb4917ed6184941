/**
 * Nodes, servers and clients in containers, one each.
 *
 * @module
 */

import { assertNodePortsFree } from "../nodes/local_nodes.ts";
import { exitCodeOfStopped, readNodeLine } from "../nodes/node_lines.ts";
import { NODE_NAMES } from "../nodes/nodes.ts";
import { PROJECT_ROOT, SHARED_VOLUME, shellQuote, TaskError } from "../project.ts";
import { BOARD } from "./board.ts";
import { betsFiles, datasetFolder } from "./bets_folder.ts";
import { RESULTS_FOLDER } from "./client_results.ts";
import {
  type Cluster,
  type RunningNodes,
  type RunOptions,
  type ServiceOptions,
  settledWithin,
  startOrStop,
} from "./cluster.ts";
import { composeOptions, updateComposeFile } from "./compose_file.ts";
import { PROMETHEUS } from "./compose_watchers.ts";
import { ContainerGroup, EVENT_TIMEOUT_MS } from "./container_group.ts";
import { ComposeProject, isMonitored } from "./docker.ts";
import { ledgerFiles } from "./ledger_nodes.ts";
import { type ServiceNames, serviceNames, type Subnet } from "./lottery_settings.ts";
import { loweredLogLevels, type RunSettings } from "./run_settings.ts";
import { makeSecureFiles, SECURE_FOLDER } from "./secure_files.ts";
import { containerAddresses } from "./status_addresses.ts";
import { dockerSubnets, overlapFault } from "./subnets.ts";

/** User and group of the containers if the caller is root: they never run as root. */
const ORDINARY_ID = 1000;

/** Runs nodes, servers and clients in containers. */
export const COMPOSE_CLUSTER: Cluster = {
  findServers: containerAddresses,
  prepare: async (settings, say) => {
    const { servers, clients, subnet } = settings.lottery;
    await assertSubnetFree(subnet);
    if (settings.lottery.ledger.kind === "nodes") assertNodePortsFree(settings.lottery.nodePort);
    if (settings.isSecure) await makeSecureFiles(settings.lottery, say);
    if (!await updateComposeFile(composeOptions(settings))) return;
    say(`docker-compose.yaml: updated, for ${servers} servers and ${clients} clients`);
  },
  startNodes: async (options) => {
    await giveMounts();
    return await startOrStop(new NodeContainers(composeProject(options), options));
  },
  run: async (options) => {
    const { settings, stop } = options;
    const project = composeProject(options);
    if (Deno.uid() === 0) await assertReadable(settings);
    await giveMounts();
    if (settings.isSecure && Deno.uid() === 0) await giveTo(ORDINARY_ID, SECURE_FOLDER);
    try {
      options.onStep("Building the images");
      // All servers have one image, and all clients another.
      await project.follow(
        ["build", "server1", "client1"],
        (line) => options.onLine("docker", line),
      );
    } catch (error) {
      // Ctrl-C also stops the build.
      if (!stop.aborted) throw error;
    }
    if (stop.aborted) return;
    options.onStep("Starting the containers, and waiting until the servers are healthy");
    await options.onServers([]);
    const containers = new Containers(project, options);
    try {
      await containers.run();
    } finally {
      await containers.stop();
    }
  },
  startBoard: (options) => {
    const project = composeProject(options);
    const names = isMonitored() ? [BOARD, PROMETHEUS] : [BOARD];
    const group = new ContainerGroup(project, names, options);
    return {
      stop: async () => {
        await group.stop([]);
        await project.down();
        await group.release();
      },
    };
  },
};

function composeProject({ settings, board }: ServiceOptions): ComposeProject {
  const { lottery } = settings;
  return new ComposeProject({
    ...loweredLogLevels(settings),
    ...board === undefined ? {} : { ...board.env, BOARD_PORT: String(board.port) },
    DATASET: lottery.dataset,
    DOCKET_SUBNET: lottery.subnet.text,
    SERVER_NAME: lottery.serverName,
    SERVER_PORT: String(lottery.serverPort),
    STATUS_PORT: String(lottery.statusPort),
    ...lottery.limits,
    LOTTERY_UID: String(Deno.uid() || ORDINARY_ID),
    LOTTERY_GID: String(Deno.gid() || ORDINARY_ID),
  });
}

/**
 * Checks that Docker can make the network of the containers.
 *
 * @throws {TaskError} If its subnet overlaps another network's.
 */
async function assertSubnetFree(subnet: Subnet): Promise<void> {
  const fault = overlapFault(subnet, await dockerSubnets());
  if (fault !== undefined) {
    throw new TaskError(`Cannot make the network of the containers: ${fault}`);
  }
}

/**
 * Checks that the containers can read what is mounted into them, although root owns it.
 *
 * @throws {TaskError} If they cannot.
 */
async function assertReadable({ lottery, server }: RunSettings): Promise<void> {
  const user = { uid: ORDINARY_ID, gid: ORDINARY_ID };
  const folder = datasetFolder(lottery.dataset);
  const keys = ledgerFiles(server).map((path) =>
    path.startsWith("/") ? path : `${PROJECT_ROOT}/${path}`
  );
  const files = ["server/config.ini", "client/config.yaml"].map((path) =>
    `${PROJECT_ROOT}/${path}`
  );
  const unreadable = await unreadableBy(user, [...files, ...keys]);
  const bets = await unreadableBy(user, [folder, ...betsFiles(folder, lottery.clients)]);
  if (bets.length > 0) unreadable.push(folder);
  if (unreadable.length === 0) return;
  throw new TaskError(
    `Containers run as user ${ORDINARY_ID}, never as root, and may not read what is mounted into them: ` +
      `chmod -R o+rX ${unreadable.map(shellQuote).join(" ")}`,
  );
}

/** Returns those of `paths` that a user may not read, or, if they are folders, not enter. */
export async function unreadableBy(
  { uid, gid }: { uid: number; gid: number },
  paths: readonly string[],
): Promise<string[]> {
  const unreadable: string[] = [];
  for (const path of paths) {
    const { mode, uid: owner, gid: group, isDirectory } = await Deno.stat(path);
    const shift = owner === uid ? 6 : group === gid ? 3 : 0;
    const needed = isDirectory ? 0o1 : 0o4;
    if (mode !== null && ((mode >> shift) & needed) === 0) unreadable.push(path);
  }
  return unreadable;
}

/** Gives the folders that containers write to their user, if the caller is root. */
async function giveMounts(): Promise<void> {
  if (Deno.uid() !== 0) return;
  for (const folder of [SHARED_VOLUME, RESULTS_FOLDER]) await giveTo(ORDINARY_ID, folder);
}

/** Makes a user and group own a folder and everything in it. Only root may. */
async function giveTo(id: number, folder: string): Promise<void> {
  await Deno.chown(folder, id, id);
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await giveTo(id, path);
    else if (isFile) await Deno.chown(path, id, id);
  }
}

/** The containers of servers and clients, while they run. */
class Containers {
  readonly #project: ComposeProject;
  readonly #options: RunOptions;
  readonly #names: ServiceNames;
  readonly #group: ContainerGroup;

  constructor(project: ComposeProject, options: RunOptions) {
    this.#project = project;
    this.#options = options;
    this.#names = serviceNames(options.settings.lottery);
    const { servers, clients } = this.#names;
    this.#group = new ContainerGroup(project, [...servers, ...clients], options);
  }

  /** Waits until the run is finished. */
  async run(): Promise<void> {
    const { finished, stop } = this.#options;
    const isIncomplete = this.#group.detached.then(async () => {
      // When all containers end, compose may end before the event of the last client arrives.
      await settledWithin(finished, EVENT_TIMEOUT_MS);
      return this.#names.clients.some((name) => !this.#group.ended.has(name));
    });
    if (await Promise.race([finished, isIncomplete]) === true && !stop.aborted) {
      throw this.#group.failure();
    }
  }

  /** Stops all containers gracefully, and removes them, and their network if neither nodes nor the board need it. */
  async stop(): Promise<void> {
    const { servers, clients, nodes } = this.#names;
    await this.#group.stop(servers);
    this.#options.onStep("Removing the containers");
    if (nodes.length === 0 && this.#options.board === undefined) await this.#project.down();
    else await this.#project.output(["rm", "--force", ...servers, ...clients]);
    await this.#group.release();
  }
}

/** The containers of the nodes, while they run. */
class NodeContainers implements RunningNodes {
  readonly #project: ComposeProject;
  readonly #group: ContainerGroup;
  readonly #running: Promise<void>;
  readonly #hasBoard: boolean;
  /** Those that end because they are stopped. */
  readonly #stopping = new Set<string>();

  constructor(project: ComposeProject, options: ServiceOptions) {
    this.#project = project;
    this.#hasBoard = options.board !== undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const listening = new Set<string>();
    const onLine = (name: string, line: string) => {
      options.onLine(name, line);
      if (readNodeLine(line).isListening) listening.add(name);
      if (listening.size === NODE_NAMES.length) resolve();
    };
    this.#running = promise;
    const onEnd = (name: string, exitCode: number) =>
      options.onEnd(name, this.#stopping.has(name) ? exitCodeOfStopped(exitCode) : exitCode);
    this.#group = new ContainerGroup(project, NODE_NAMES, { ...options, onLine, onEnd });
  }

  /** Waits until all nodes listen. @throws {TaskError} If they do not start. */
  async start(): Promise<void> {
    const hasEnded = this.#group.detached.then(() => true);
    if (await Promise.race([this.#running, hasEnded]) === true) throw this.#group.failure();
  }

  async restart(name: string): Promise<void> {
    this.#stopping.add(name);
    await this.#project.output(["restart", name]);
    this.#stopping.delete(name);
  }

  /** Stops the nodes gracefully, and removes them, and their network if the board does not need it. */
  async stop(): Promise<void> {
    for (const name of NODE_NAMES) this.#stopping.add(name);
    await this.#group.stop(NODE_NAMES);
    if (this.#hasBoard) await this.#project.output(["rm", "--force", ...NODE_NAMES]);
    else await this.#project.down();
    await this.#group.release();
  }
}
