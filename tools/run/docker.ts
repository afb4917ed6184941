/**
 * Docker on this machine, through its command line.
 *
 * @module
 */

import { TaskError } from "../flags.ts";

/** The outcome of a command that ran to its end. */
interface Output {
  success: boolean;
  stdout: string;
  stderr: string;
}

async function run(command: string, args: string[], cwd?: string): Promise<Output> {
  const output = await new Deno.Command(command, { args, cwd, stdin: "null" }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  const { success, stdout, stderr } = output;
  return { success, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Why containers cannot be used here; nothing if they can. */
export async function dockerFault(): Promise<string | undefined> {
  try {
    const info = await run("docker", ["info", "--format", "{{.ServerVersion}}"]);
    // Some versions exit with 0 although no engine answers.
    if (!info.success || info.stdout === "") {
      return "Docker's engine is not running, or not for you";
    }
    const compose = await run("docker", ["compose", "version", "--short"]);
    if (!compose.success) return "docker compose is not installed";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "Docker is not installed";
    throw error;
  }
}

/** The containers of one compose project. */
export class ComposeProject {
  readonly #root: string;
  readonly #env: Record<string, string>;

  /**
   * @param root The folder of docker-compose.yaml.
   * @param env Variables for it, beside those of this process.
   */
  constructor(root: string, env: Record<string, string> = {}) {
    this.#root = root;
    this.#env = env;
  }

  /** How to run `docker compose`: for a process whose output is followed. */
  command(
    args: string[],
  ): { command: string; args: string[]; cwd: string; env: Record<string, string> } {
    return {
      command: "docker",
      args: ["compose", ...args],
      cwd: this.#root,
      env: { ...Deno.env.toObject(), ...this.#env },
    };
  }

  /**
   * Runs `docker compose` before the eyes of the person.
   *
   * @throws {TaskError} If it fails.
   */
  async show(args: string[]): Promise<void> {
    const { command, ...options } = this.command(args);
    const { code } = await new Deno.Command(command, { ...options, stdin: "null" }).spawn().status;
    if (code !== 0) throw new TaskError(`docker compose ${args[0]} failed with exit code ${code}`);
  }

  /**
   * Runs `docker compose` and takes its output.
   *
   * @throws {TaskError} If it fails.
   */
  async ask(args: string[]): Promise<string> {
    const { command, ...options } = this.command(args);
    const output = await new Deno.Command(command, { ...options, stdin: "null" }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    if (output.success) return decode(output.stdout);
    throw new TaskError(`docker compose ${args[0]} failed: ${decode(output.stderr)}`);
  }

  /** Whether there are containers that run. */
  async isRunning(): Promise<boolean> {
    return await this.ask(["ps", "--quiet", "--status", "running"]) !== "";
  }

  /** Whether there are containers, running or not. */
  async exists(): Promise<boolean> {
    return await this.ask(["ps", "--quiet", "--all"]) !== "";
  }

  /** Stops and removes the containers and their network. */
  async down(): Promise<void> {
    await this.ask(["down", "--remove-orphans"]);
  }
}
