/**
 * Servers and clients in containers, one each.
 *
 * @module
 */

import { type Agreement, passedOn } from "./agreement.ts";
import { betsFiles, datasetFolder } from "./bets_folder.ts";
import { aborted, type ClusterOptions, type ServerEnds } from "./cluster.ts";
import { serviceNames } from "./compose_file.ts";
import { ComposeProject } from "./docker.ts";
import { TaskError } from "../flags.ts";
import { ServiceProcess } from "./service_process.ts";
import { giveVolume, volumeOf } from "./volume.ts";

/** Users of the containers where the caller is root: they never are. */
const ORDINARY_ID = 1000;
/** What Docker may take to tell of a container that has ended already. */
const NEWS_PATIENCE_MS = 5000;

/** The containers of the project, as its settings want them. */
export function composeProject(root: string, agreement: Agreement): ComposeProject {
  const { lottery } = agreement;
  const forServices = passedOn(agreement);
  return new ComposeProject(root, {
    ...forServices.server,
    ...forServices.client,
    DATASET: lottery.dataset,
    DOCKET_SUBNET: lottery.subnet.text,
    SERVER_NAME: lottery.serverName,
    LOTTERY_UID: String(ordinaryId(Deno.uid())),
    LOTTERY_GID: String(ordinaryId(Deno.gid())),
  });
}

function ordinaryId(id: number | null): number {
  return id || ORDINARY_ID;
}

/** Runs servers and clients in containers. */
export async function runInContainers(options: ClusterOptions): Promise<ServerEnds> {
  const { root, agreement, stop } = options;
  const project = composeProject(root, agreement);
  if (Deno.uid() === 0) {
    await assertReadable(root, agreement);
    await giveVolume(volumeOf(root), ORDINARY_ID, ORDINARY_ID);
  }
  const { servers, clients } = serviceNames(agreement.lottery);
  try {
    // All servers have one image, and all clients another.
    await project.show(["build", servers[0], clients[0]]);
  } catch (error) {
    // Ctrl-C reaches the build as well.
    if (!stop.aborted) throw error;
  }
  if (stop.aborted) return new Map();
  const cluster = new ComposeCluster(project, options);
  try {
    await cluster.run();
  } finally {
    await cluster.stop();
  }
  return cluster.serverEnds;
}

/**
 * Makes sure that the containers can read what is mounted into them, though it is root's.
 *
 * @throws {TaskError} If they cannot.
 */
async function assertReadable(root: string, { lottery }: Agreement): Promise<void> {
  const who = { uid: ORDINARY_ID, gid: ORDINARY_ID };
  const folder = datasetFolder(root, lottery.dataset);
  const settings = [`${root}/server/config.ini`, `${root}/client/config.yaml`];
  const unreadable = await unreadableBy(who, settings);
  const bets = await unreadableBy(who, [folder, ...betsFiles(folder, lottery.clients)]);
  if (bets.length > 0) unreadable.push(folder);
  if (unreadable.length === 0) return;
  const quoted = unreadable.map((path) => `'${path}'`).join(" ");
  throw new TaskError(
    `Containers run as user ${ORDINARY_ID}, never as root, and may not read what is mounted into them: ` +
      `chmod -R o+rX ${quoted}`,
  );
}

/** Those of the paths that a user may not read; a folder must let him through to its files. */
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

class ComposeCluster {
  readonly serverEnds: ServerEnds = new Map();
  readonly #project: ComposeProject;
  readonly #options: ClusterOptions;
  readonly #news: ServiceProcess;
  readonly #up: ServiceProcess;
  readonly #serversEnded = Promise.withResolvers<void>();
  #isStopping = false;

  constructor(project: ComposeProject, options: ClusterOptions) {
    this.#project = project;
    this.#options = options;
    const { printer } = options;
    this.#news = new ServiceProcess({
      ...project.command(["events", "--json"]),
      onLine: (line) => this.#takeNews(line),
    });
    this.#up = new ServiceProcess({
      ...project.command([
        "--ansi",
        "never",
        "up",
        "--no-build",
        "--force-recreate",
        "--remove-orphans",
        "--no-color",
      ]),
      onLine: (line) => this.#takeLine(line),
    });
    this.#up.ended.then((exitCode) => {
      if (!this.#isStopping) printer.line("docker", `compose up ended with exit code ${exitCode}`);
    });
  }

  /** Waits until the clients have ended, or none can go on. */
  async run(): Promise<void> {
    const { watch, stop } = this.#options;
    const failed = this.#up.ended.then(async () => {
      // The last client's end and that of compose come at the same time when all containers end.
      await Promise.race([
        watch.outcome,
        aborted(stop),
        aborted(AbortSignal.timeout(NEWS_PATIENCE_MS)),
      ]);
      return "up ended" as const;
    });
    const first = await Promise.race([watch.outcome, aborted(stop), failed]);
    if (
      first === "up ended" && !stop.aborted &&
      watch.clients.some((client) => client.exitCode === undefined)
    ) {
      throw new TaskError("The containers did not start, or were stopped: see the lines above");
    }
  }

  /** Stops all containers, in their own time, and removes them. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#project.ask(["stop"]);
    await Promise.race([this.#up.ended, aborted(AbortSignal.timeout(NEWS_PATIENCE_MS))]);
    const told = Promise.race([this.#serversEnded.promise, this.#news.ended]);
    await Promise.race([told, aborted(AbortSignal.timeout(NEWS_PATIENCE_MS))]);
    await this.#project.down();
    await Promise.all([this.#up.stop(NEWS_PATIENCE_MS), this.#news.stop(NEWS_PATIENCE_MS)]);
  }

  /** Takes a line of `docker compose up`: `server1-1  | line`, or one of its own. */
  #takeLine(written: string): void {
    const { printer, watch } = this.#options;
    // Some versions erase the terminal's line first, even where there is no terminal.
    // deno-lint-ignore no-control-regex
    const line = written.replaceAll(/\x1b\[\d*K/g, "");
    const match = /^(?:\S+-)?((?:server|client)\d+)-\d+\s*\| ?(.*)$/.exec(line);
    if (match === null) {
      if (line.trim() !== "") printer.line("docker", line.trim());
      return;
    }
    const [, name, text] = match;
    printer.line(name, text);
    watch.line(name, text);
  }

  /** Takes an event: that a container has ended is all that matters. */
  #takeNews(line: string): void {
    const { watch, agreement } = this.#options;
    let event: { action?: string; service?: string; attributes?: { exitCode?: string } };
    try {
      event = JSON.parse(line);
    } catch {
      return; // a warning of docker compose
    }
    const { action, service = "", attributes } = event;
    if (action !== "die") return;
    const exitCode = Number(attributes?.exitCode ?? 1);
    if (service.startsWith("server")) this.serverEnds.set(service, exitCode);
    watch.end(service, exitCode);
    if (this.serverEnds.size === agreement.lottery.servers) this.#serversEnded.resolve();
  }
}
