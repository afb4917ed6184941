/**
 * A copy of the project for tests that do what a person does in it: its own settings, volume and
 * containers, so that nothing of the developer's is touched.
 *
 * @module
 */

import { COMPOSE_PROJECT } from "../tools/run/compose_file.ts";
import { PROJECT_ROOT, unlessNotFound } from "../tools/project.ts";
import { freePort, TestProcess } from "../testing/processes.ts";

/** What of the project a person needs to run it. vendor/std is there only where JSR is not. */
const PARTS = [
  ...[".dockerignore", ".env.example", "Dockerfile.client", "Dockerfile.server"],
  ...["deno.json", "deno.lock", "docker-compose.yaml"],
  ...["client", "server", "shared", "tools", "vendor/std"],
];
const LEFT_OUT = [/\/shared-volume$/, /_test\.ts$/];

/** Which settings the copy has. */
export interface CopyOptions {
  clients: number;
  servers: number;
  /** The folder of agency-N.csv. @default {sample bets} */
  dataset?: string;
}

/** A copy of the project. */
export class ProjectCopy implements AsyncDisposable {
  readonly root: string;
  /** The name of its containers, network and images, unlike any other. */
  readonly composeProject: string;
  readonly volume: string;
  /** Variables for its tasks. */
  readonly env: Record<string, string>;

  private constructor(root: string) {
    this.root = root;
    this.volume = `${root}/server/shared-volume`;
    this.composeProject = `${COMPOSE_PROJECT}-test-${crypto.randomUUID().slice(0, 8)}`;
    this.env = { COMPOSE_PROJECT_NAME: this.composeProject };
  }

  static async make({ clients, servers, dataset }: CopyOptions): Promise<ProjectCopy> {
    const copy = new ProjectCopy(await Deno.makeTempDir({ prefix: "lottery project " }));
    for (const part of PARTS) await copyAll(`${PROJECT_ROOT}/${part}`, `${copy.root}/${part}`);
    await Deno.copyFile(`${copy.root}/.env.example`, `${copy.root}/.env`);
    const port = freePort("tcp");
    const subnet = `172.29.${crypto.getRandomValues(new Uint8Array(1))[0]}`;
    await copy.edit(".env", [/^CLIENTS=.*/m, `CLIENTS=${clients}`]);
    await copy.edit(".env", [/^SERVERS=.*/m, `SERVERS=${servers}`]);
    await copy.edit(".env", [/^SERVER_PORT=.*/m, `SERVER_PORT=${port}`]);
    await copy.edit(".env", [/^DOCKET_SUBNET=.*/m, `DOCKET_SUBNET=${subnet}.0/24`]);
    if (dataset !== undefined) await copy.edit(".env", [/^DATASET=.*/m, `DATASET=${dataset}`]);
    const config = "server/config.ini";
    await copy.edit(config, [/^AGENCIES_AMOUNT.*/m, `AGENCIES_AMOUNT = ${clients}`]);
    await copy.edit(config, [/^SERVER_PORT.*/m, `SERVER_PORT = ${port}`]);
    await copy.edit(config, [/^UDP_BROADCAST_IP.*/m, `UDP_BROADCAST_IP = ${subnet}.255`]);
    await copy.edit(config, [/^UDP_BROADCAST_PORT.*/m, `UDP_BROADCAST_PORT = ${freePort("udp")}`]);
    await copy.edit("client/config.yaml", [/address:.*/, `address: "server:${port}"`]);
    return copy;
  }

  /** Changes a file; fails if there is nothing to change. */
  async edit(name: string, [pattern, text]: [RegExp, string]): Promise<void> {
    const path = `${this.root}/${name}`;
    const before = await Deno.readTextFile(path);
    if (!pattern.test(before)) throw new Error(`${name} has no ${pattern}`);
    await Deno.writeTextFile(path, before.replace(pattern, text));
  }

  /** Starts `deno task NAME` as a person would. */
  task(name: string, ...args: string[]): TestProcess {
    return new TestProcess(`deno task ${name}`, {
      args: ["task", "--quiet", name, ...args],
      cwd: this.root,
      env: this.env,
    });
  }

  /** What docker says of the containers, networks or images of this copy: an id a line. */
  async docker(...args: string[]): Promise<string[]> {
    const output = await new Deno.Command("docker", { args, stderr: "inherit" }).output();
    const text = new TextDecoder().decode(output.stdout).trim();
    return text === "" ? [] : text.split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
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
