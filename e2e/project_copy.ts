/**
 * A copy of the project, for tests that do in it what a person would do. It has its own settings, volume and
 * containers, so that those of the developer stay as they are.
 *
 * @module
 */

import { localPorts } from "../tools/nodes/nodes.ts";
import { freePort, isFree, steadyPort } from "../testing/ports.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { PROJECT_ROOT, unlessNotFound } from "../tools/project.ts";
import { composeProjectName } from "../tools/run/docker.ts";

/** The parts of the project that a person needs to run it. vendor/std exists only where JSR is out of reach. */
const PARTS = [
  ...[".dockerignore", ".env.example", "Dockerfile.client", "Dockerfile.server"],
  ...["deno.json", "deno.lock", "denow", "docker-compose.yaml"],
  ...["board", "client", "monitoring", "server", "shared", "tools", "vendor/std"],
];
const LEFT_OUT = [/\/shared-volume$/, /_test\.ts$/];

/** Settings of a {@linkcode ProjectCopy}. */
export interface CopyOptions {
  clients: number;
  servers: number;
  /** The folder of agency-N.csv. @default {sample bets} */
  dataset?: string;
  /** The name of the copy's folder. @default {a short one} */
  name?: string;
}

/** A copy of the project. It is removed at the end of its block. */
export class ProjectCopy implements AsyncDisposable {
  readonly root: string;
  /** The name of its containers, network and images. */
  readonly composeProject: string;
  readonly volume: string;
  /** The TCP port of its servers. */
  readonly port: number = freePort("tcp");
  /** The first port of its nodes. */
  readonly nodePort: number = freeNodePort();
  /** The port of its board, unless another program takes it. */
  readonly boardPort: number = freePort("tcp");
  /** Variables for its tasks. */
  readonly env: Record<string, string> = {};
  readonly #folder = tempFolder();

  private constructor(name: string) {
    this.root = `${this.#folder.path}/${name}`;
    Deno.mkdirSync(this.root);
    this.volume = `${this.root}/server/shared-volume`;
    this.composeProject = composeProjectName({ root: this.root, environment: () => undefined });
  }

  /** Copies the project. */
  static async make(
    { clients, servers, dataset, name = "lottery" }: CopyOptions,
  ): Promise<ProjectCopy> {
    const copy = new ProjectCopy(name);
    const { root, port } = copy;
    for (const part of PARTS) await copyAll(`${PROJECT_ROOT}/${part}`, `${root}/${part}`);
    await Deno.copyFile(`${root}/.env.example`, `${root}/.env`);
    const subnet = `172.29.${crypto.getRandomValues(new Uint8Array(1))[0]}`;
    await copy.setAgencies(clients);
    await copy.edit(".env", [/^SERVERS=.*/m, `SERVERS=${servers}`]);
    await copy.edit(".env", [/^SERVER_PORT=.*/m, `SERVER_PORT=${port}`]);
    await copy.edit(".env", [/^NODE_PORT=.*/m, `NODE_PORT=${copy.nodePort}`]);
    await copy.edit(".env", [/^BOARD_PORT=.*/m, `BOARD_PORT=${copy.boardPort}`]);
    await copy.edit(".env", [/^DOCKET_SUBNET=.*/m, `DOCKET_SUBNET=${subnet}.0/24`]);
    if (dataset !== undefined) await copy.edit(".env", [/^DATASET=.*/m, `DATASET=${dataset}`]);
    const config = "server/config.ini";
    await copy.edit(config, [/^SERVER_PORT.*/m, `SERVER_PORT = ${port}`]);
    await copy.edit(config, [/^UDP_BROADCAST_IP.*/m, `UDP_BROADCAST_IP = ${subnet}.255`]);
    await copy.edit(config, [/^UDP_BROADCAST_PORT.*/m, `UDP_BROADCAST_PORT = ${freePort("udp")}`]);
    await copy.edit("client/config.yaml", [/address:.*/, `address: "server:${port}"`]);
    return copy;
  }

  /** Sets the number of agencies, for clients and servers. */
  async setAgencies(agencies: number): Promise<void> {
    await this.edit(".env", [/^CLIENTS=.*/m, `CLIENTS=${agencies}`]);
    const setting = `AGENCIES_AMOUNT = ${agencies}`;
    await this.edit("server/config.ini", [/^AGENCIES_AMOUNT.*/m, setting]);
  }

  /**
   * Replaces the first match in a file.
   *
   * @throws {Error} If there is no match.
   */
  async edit(name: string, [pattern, text]: [RegExp, string]): Promise<void> {
    const path = `${this.root}/${name}`;
    const before = await Deno.readTextFile(path);
    if (!pattern.test(before)) throw new Error(`${name} has no ${pattern}`);
    await Deno.writeTextFile(path, before.replace(pattern, text));
  }

  /** Starts `deno task NAME` as a person would. */
  task(name: string, ...args: string[]): Program {
    return new Program({
      name: `deno task ${name}`,
      args: ["task", "--quiet", name, ...args],
      cwd: this.root,
      env: this.env,
    });
  }

  /** Runs docker. Returns the lines that it prints. */
  async docker(...args: string[]): Promise<string[]> {
    const command = new Deno.Command("docker", { args, cwd: this.root, stderr: "inherit" });
    const output = await command.output();
    const text = new TextDecoder().decode(output.stdout).trim();
    return text === "" ? [] : text.split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Returns a NODE_PORT whose ports no program uses at the moment. */
function freeNodePort(): number {
  for (;;) {
    const port = steadyPort();
    if (localPorts(port).flatMap((ports) => Object.values(ports)).every(isFree)) return port;
  }
}

async function copyAll(from: string, to: string): Promise<void> {
  if (LEFT_OUT.some((pattern) => pattern.test(from))) return;
  const info = await unlessNotFound(Deno.stat(from));
  if (info === undefined) return;
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  if (info.isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    await copyAll(`${from}/${entry.name}`, `${to}/${entry.name}`);
  }
}
