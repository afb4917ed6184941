/**
 * Servers and clients in containers, one each.
 *
 * @module
 */

import { PROJECT_ROOT, SHARED_VOLUME, shellQuote, TaskError } from "../project.ts";
import { BOARD } from "./board.ts";
import { betsFiles, datasetFolder } from "./bets_folder.ts";
import { RESULTS_FOLDER } from "./client_results.ts";
import { type Cluster, type RunOptions, settledWithin } from "./cluster.ts";
import { updateComposeFile } from "./compose_file.ts";
import { ComposeProject } from "./docker.ts";
import { serviceNames, type Subnet } from "./lottery_settings.ts";
import { loweredLogLevels, type RunSettings } from "./run_settings.ts";
import { ServiceProcess } from "./service_process.ts";
import { dockerSubnets, overlapAdvice, overlapFault } from "./subnets.ts";

/** User and group of the containers if the caller is root: they never run as root. */
const ORDINARY_ID = 1000;
/** How long Docker may take to report that a container has ended. */
const EVENT_TIMEOUT_MS = 5000;

/** Runs servers and clients in containers. */
export const COMPOSE_CLUSTER: Cluster = {
  prepare: async ({ lottery, server }) => {
    await assertSubnetFree(lottery.subnet);
    if (!await updateComposeFile({ ...server, ...lottery })) return;
    const { servers, clients } = lottery;
    console.log(`docker-compose.yaml: updated, for ${servers} servers and ${clients} clients`);
  },
  run: async (options) => {
    const { settings, stop } = options;
    const project = composeProject(options);
    if (Deno.uid() === 0) {
      await assertReadable(settings);
      for (const folder of [SHARED_VOLUME, RESULTS_FOLDER]) await giveTo(ORDINARY_ID, folder);
    }
    try {
      // All servers have one image, and all clients another.
      await project.show(["build", "server1", "client1"]);
    } catch (error) {
      // Ctrl-C also stops the build.
      if (!stop.aborted) throw error;
    }
    if (stop.aborted) return;
    const containers = new Containers(project, options);
    try {
      await containers.run();
      await containers.stop();
      await options.onStopped();
    } finally {
      await containers.stop();
      await containers.remove();
    }
  },
};

function composeProject({ settings, board }: RunOptions): ComposeProject {
  const { lottery } = settings;
  return new ComposeProject({
    ...loweredLogLevels(settings),
    ...board?.env,
    ...board !== undefined && { BOARD_PORT: String(board.port) },
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
async function assertReadable({ lottery }: RunSettings): Promise<void> {
  const user = { uid: ORDINARY_ID, gid: ORDINARY_ID };
  const folder = datasetFolder(lottery.dataset);
  const files = [`${PROJECT_ROOT}/server/config.ini`, `${PROJECT_ROOT}/client/config.yaml`];
  const unreadable = await unreadableBy(user, files);
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

/** Makes a user and group own a folder and everything in it. Only root may. */
async function giveTo(id: number, folder: string): Promise<void> {
  await Deno.chown(folder, id, id);
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await giveTo(id, path);
    else if (isFile) await Deno.chown(path, id, id);
  }
}

/** Creates and starts containers, and shows their lines. */
const UP = ["--ansi", "never", "up", "--no-build", "--force-recreate", "--no-color"];

class Containers {
  readonly #project: ComposeProject;
  readonly #options: RunOptions;
  readonly #names: ReturnType<typeof serviceNames>;
  readonly #events: ServiceProcess;
  readonly #up: ServiceProcess;
  #board: ServiceProcess | undefined;
  #stopped: Promise<void> | undefined;
  /** The services that have ended, and not started again. */
  readonly #ended = new Set<string>();
  /** Those of them that have failed. */
  readonly #failed = new Set<string>();
  readonly #serversEnded = Promise.withResolvers<void>();
  #hasOverlap = false;
  #isStopping = false;

  constructor(project: ComposeProject, options: RunOptions) {
    this.#project = project;
    this.#options = options;
    this.#names = serviceNames(options.settings.lottery);
    this.#events = new ServiceProcess({
      ...project.command(["events", "--json"]),
      onLine: (line) => this.#takeEvent(line),
    });
    const services = [...this.#names.servers, ...this.#names.clients];
    this.#up = new ServiceProcess({
      ...project.command([...UP, "--remove-orphans", ...services]),
      onLine: (line) => this.#takeLine(line),
    });
    this.#up.ended.then((exitCode) => {
      if (this.#isStopping) return;
      options.onLine("docker", `compose up ended with exit code ${exitCode}`);
    });
  }

  /** Waits until the run is finished. */
  async run(): Promise<void> {
    const { finished, stop } = this.#options;
    const isIncomplete = this.#up.ended.then(async () => {
      // When all containers end, compose may end before the event of the last client arrives.
      await settledWithin(finished, EVENT_TIMEOUT_MS);
      return this.#names.clients.some((name) => !this.#ended.has(name));
    });
    if (await Promise.race([finished, isIncomplete]) === true && !stop.aborted) {
      const advice = this.#hasOverlap
        ? overlapAdvice(this.#options.settings.lottery.subnet, [])
        : "see the lines above";
      throw new TaskError(`The containers did not start, or were stopped: ${advice}`);
    }
  }

  /** Stops all servers and clients gracefully. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  /** Removes all containers, that of the board included. */
  async remove(): Promise<void> {
    await this.#project.down();
    const commands = [this.#up, this.#events, ...this.#board === undefined ? [] : [this.#board]];
    await Promise.all(commands.map((command) => command.stop(EVENT_TIMEOUT_MS)));
  }

  /** Starts the board, for which there has to be a network. */
  #startBoard(): void {
    const { board, onEnd } = this.#options;
    if (board === undefined || this.#board !== undefined || this.#isStopping) return;
    this.#board = new ServiceProcess({
      ...this.#project.command([...UP, "--no-deps", BOARD]),
      onLine: (line) => this.#takeLine(line),
    });
    this.#board.ended.then((exitCode) => onEnd(BOARD, exitCode));
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    // Docker has started those that failed again, as often as their restart policy allows.
    for (const name of this.#failed) this.#options.onDown(name);
    const { servers, clients } = this.#names;
    await this.#project.output(["stop", ...servers, ...clients]);
    await settledWithin(this.#up.ended, EVENT_TIMEOUT_MS);
    const reported = Promise.race([this.#serversEnded.promise, this.#events.ended]);
    await settledWithin(reported, EVENT_TIMEOUT_MS);
  }

  /** Takes a line of `docker compose up`: `server1-1  | line`, or one of its own. */
  #takeLine(written: string): void {
    // Some versions erase the line on the terminal first, even if there is no terminal.
    // deno-lint-ignore no-control-regex
    const line = written.replaceAll(/\x1b\[\d*K/g, "");
    const match = /^(?:\S+-)?(board|(?:server|client)\d+)-\d+\s*\| ?(.*)$/.exec(line);
    if (match !== null) this.#options.onLine(match[1], match[2]);
    else if (line.trim() !== "") {
      this.#hasOverlap ||= /pool overlaps/i.test(line);
      this.#options.onLine("docker", line.trim());
    }
  }

  /** Takes a line of `docker compose events`. Only starts and ends of containers matter. */
  #takeEvent(line: string): void {
    let event: { action?: string; service?: string; attributes?: { exitCode?: string } };
    try {
      event = JSON.parse(line);
    } catch {
      return; // a warning of docker compose
    }
    const { action, service = "", attributes } = event;
    if (action === "start") {
      this.#startBoard();
      this.#ended.delete(service);
      this.#failed.delete(service);
    }
    if (action !== "die" || service === BOARD) return;
    const exitCode = Number(attributes?.exitCode ?? 1);
    this.#ended.add(service);
    if (exitCode !== 0) this.#failed.add(service);
    this.#options.onEnd(service, exitCode);
    if (this.#names.servers.every((name) => this.#ended.has(name))) this.#serversEnded.resolve();
  }
}
