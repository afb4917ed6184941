/**
 * Docker on this machine, through its command line.
 *
 * @module
 */

import { PROJECT_ROOT, TASK, TaskError } from "../project.ts";

async function runDocker(args: string[], options: Deno.CommandOptions = {}) {
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

/** The containers of this project, as docker-compose.yaml describes them. */
export class ComposeProject {
  readonly #env: Record<string, string>;

  /** @param env Variables for docker-compose.yaml, in addition to those of this process. */
  constructor(env: Record<string, string> = {}) {
    this.#env = env;
  }

  /** Returns the project if any of its containers exists, running or not. */
  static async find(status = ["--all"]): Promise<ComposeProject | undefined> {
    if (await dockerFault() !== undefined) return undefined;
    const project = new ComposeProject();
    return await project.output(["ps", "--quiet", ...status]) === "" ? undefined : project;
  }

  /**
   * Checks that no container of the project is running.
   *
   * @throws {TaskError} If one is.
   */
  static async assertNotRunning(): Promise<void> {
    if (await ComposeProject.find(["--status", "running"]) === undefined) return;
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
