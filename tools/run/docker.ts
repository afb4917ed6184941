/**
 * Docker on this machine, through its command line.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { PROJECT_ROOT, TASK, TaskError } from "../project.ts";
import { parseEnvFile, type SettingsSources } from "./lottery_settings.ts";
import { ServiceProcess } from "./service_process.ts";

/** Runs `docker`. Returns its trimmed output. */
export async function runDocker(args: string[], options: Deno.CommandOptions = {}) {
  const command = new Deno.Command("docker", { ...options, args, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { success, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Returns why containers cannot be used on this machine, or undefined if they can. */
export async function dockerFault(): Promise<string | undefined> {
  try {
    const info = await runDocker(["info", "--format", "{{.ServerVersion}}"]);
    // Some versions exit with 0 although no engine answers.
    if (!info.success || info.stdout === "") {
      return "The Docker engine is not running, or this user may not use it";
    }
    const compose = await runDocker(["compose", "version", "--short"]);
    if (!compose.success) return "docker compose is not installed";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "Docker is not installed";
    throw error;
  }
}

/**
 * Returns the name of this checkout's compose project, which is part of the names of its containers, images and
 * network: COMPOSE_PROJECT_NAME in the environment or in .env, else one derived from the path of the checkout, so
 * that two checkouts do not share their containers.
 */
export function composeProjectName(
  { root = PROJECT_ROOT, ...sources }: SettingsSources = {},
): string {
  const given = composeVariable("COMPOSE_PROJECT_NAME", { root, ...sources });
  if (given) return given;
  const hash = createHash("sha256").update(Deno.realPathSync(root)).digest("hex");
  return `lottery-${hash.slice(0, 8)}`;
}

/** Whether COMPOSE_PROFILES asks for the services that monitor the lottery. */
export function isMonitored(sources: SettingsSources = {}): boolean {
  const profiles = composeVariable("COMPOSE_PROFILES", sources) ?? "";
  return profiles.split(",").some((profile) => profile.trim() === "monitoring");
}

/** Returns a variable as docker compose finds it: in the environment or in .env. */
function composeVariable(
  name: string,
  {
    root = PROJECT_ROOT,
    environment = (name: string) => Deno.env.get(name),
    readFile = Deno.readTextFileSync,
  }: SettingsSources,
): string | undefined {
  return environment(name)?.trim() || variablesIn(`${root}/.env`, readFile)[name];
}

/** Returns the variables in a file such as .env; none if it is missing. */
export function variablesIn(
  path: string,
  readFile: (path: string) => string = Deno.readTextFileSync,
): Record<string, string> {
  try {
    return parseEnvFile(readFile(path)).variables;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

/** What Docker says about a container of any compose project. */
interface ComposeContainer {
  /** The name of its project. */
  project: string;
  /** The folder in which `docker compose` ran. */
  folder: string;
  /** Its service in the compose file: `server1`. */
  service: string;
  /** Its own name. */
  name: string;
  /** The port of this machine that leads to its status, while it runs and has one. */
  statusPort?: number;
}

const LABEL = "com.docker.compose";

/** The label of a server's container that says on which port of it the status is. */
export const STATUS_PORT_LABEL = "lottery.status-port";

/** Returns the containers of all compose projects. */
async function composeContainers(filters: string[]): Promise<ComposeContainer[]> {
  const labels = ["project", "project.working_dir", "service"].map((label) => `${LABEL}.${label}`);
  const fields = [...labels, STATUS_PORT_LABEL].map((label) => `{{json (.Label "${label}")}}`);
  const format = `[${[...fields, "{{json .Names}}", "{{json .Ports}}"].join()}]`;
  const args = ["ps", ...filters, "--filter", `label=${LABEL}.project`, "--format", format];
  const { success, stdout, stderr } = await runDocker(args);
  if (!success) throw new TaskError(`docker ps failed: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "").map((line) => {
    const [project, folder, service, status, name, ports] = JSON.parse(line) as string[];
    // Such as `0.0.0.0:20000->12345/tcp, 127.0.0.1:32768->12346/tcp`.
    const leading = Array.from(ports.matchAll(/:(\d+)->(\d+)\//g))
      .find(([, , inside]) => inside === status);
    return { project, folder, service, name, statusPort: leading && Number(leading[1]) };
  });
}

/** Returns the containers of this checkout, running or not, whoever has started them. */
export async function ownContainers(filters = ["--all"]): Promise<ComposeContainer[]> {
  if (await dockerFault() !== undefined) return [];
  const containers = await composeContainers(filters);
  return containers.filter(({ folder }) => isSameFolder(folder, PROJECT_ROOT));
}

/** Whether two paths lead to the same folder. */
function isSameFolder(one: string, other: string): boolean {
  try {
    return one === other || Deno.realPathSync(one) === Deno.realPathSync(other);
  } catch {
    return false; // One of them no longer exists.
  }
}

/** A compose project of this checkout: its containers, as docker-compose.yaml describes them. */
export class ComposeProject {
  readonly #env: Record<string, string>;

  /**
   * @param env Variables for docker-compose.yaml, in addition to those of this process.
   * @param name @default {composeProjectName()}
   */
  constructor(env: Record<string, string> = {}, name = composeProjectName()) {
    this.#env = { ...env, COMPOSE_PROJECT_NAME: name };
  }

  /**
   * Returns the projects whose containers exist, running or not, and were made in this checkout:
   * with `up`, or by `docker compose` under another name.
   */
  static async findAll(filters = ["--all"]): Promise<ComposeProject[]> {
    const own = await ownContainers(filters);
    const names = new Set(own.map(({ project }) => project));
    return Array.from(names, (name) => new ComposeProject({}, name));
  }

  /**
   * Checks that no container of this checkout is running.
   *
   * @throws {TaskError} If one is.
   */
  static async assertNotRunning(): Promise<void> {
    if ((await ComposeProject.findAll([])).length === 0) return;
    throw new TaskError(`Containers of the lottery are running: stop them with: ${TASK} down`);
  }

  /** Returns how to start `docker compose` as a process. */
  command(args: string[]) {
    const env = { ...Deno.env.toObject(), ...this.#env };
    return { command: "docker", args: ["compose", ...args], cwd: PROJECT_ROOT, env };
  }

  /** Runs `docker compose`, and shows its output. Throws a TaskError if it fails. */
  async show(args: string[]): Promise<void> {
    const { command, ...options } = this.command(args);
    const { code } = await new Deno.Command(command, { ...options, stdin: "null" }).spawn().status;
    if (code !== 0) throw new TaskError(`docker compose ${args[0]} failed with exit code ${code}`);
  }

  /** Runs `docker compose`, and passes on its lines. Throws a TaskError if it fails. */
  async follow(args: string[], onLine: (line: string) => void): Promise<void> {
    const exitCode = await new ServiceProcess({ ...this.command(args), onLine }).ended;
    if (exitCode === 0) return;
    throw new TaskError(`docker compose ${args[0]} failed with exit code ${exitCode}`);
  }

  /** Runs `docker compose`, and returns its trimmed output. Throws a TaskError if it fails. */
  async output(args: string[]): Promise<string> {
    const { args: dockerArgs, cwd, env } = this.command(args);
    const { success, stdout, stderr } = await runDocker(dockerArgs, { cwd, env });
    if (success) return stdout;
    throw new TaskError(`docker compose ${args[0]} failed: ${stderr}`);
  }

  /** Stops and removes the containers and their network. */
  async down(): Promise<void> {
    await this.output(["down", "--remove-orphans"]);
  }
}
