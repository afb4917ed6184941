/**
 * What of the lottery runs on this machine.
 *
 * @module
 */

import process from "node:process";
import { ComposeProject, dockerFault } from "./docker.ts";
import { TASK, TaskError } from "../flags.ts";
import { readRunRecord } from "./run_lock.ts";

/** Whether a process with this id runs, whosever it is. */
export function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

/**
 * Servers and clients that an earlier run has started and left behind, because it was killed. A client that is left
 * behind would go on with the next run's servers, and close its agency there.
 */
export async function leftBehind(root: string): Promise<number[]> {
  const { children } = await readRunRecord(root);
  const found: number[] = [];
  // The id of a process that has ended may be another's by now.
  for (const pid of children) {
    if (isAlive(pid) && /\b(server|client)\/main\.ts/.test(await commandLine(pid))) found.push(pid);
  }
  return found;
}

async function commandLine(pid: number): Promise<string> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "args=", "-p", String(pid)] })
    .output();
  return new TextDecoder().decode(stdout);
}

/**
 * Makes sure that no server or client of this project runs that was not started by the holder of the lock.
 *
 * @throws {TaskError} If one does.
 */
export async function assertNothingRuns(root: string): Promise<void> {
  const left = await leftBehind(root);
  if (left.length > 0) {
    throw new TaskError(
      `Servers or clients of an earlier run are still running (processes ${
        left.join(", ")
      }): end them ` +
        `with: ${TASK} down`,
    );
  }
  if (await dockerFault() === undefined && await new ComposeProject(root).isRunning()) {
    throw new TaskError(`Containers of the lottery are running: stop them with: ${TASK} down`);
  }
}
