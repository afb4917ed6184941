/**
 * `deno task down`: stops whatever of the lottery runs on this machine.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { ComposeProject, dockerFault } from "./run/docker.ts";
import { runTask, TASK } from "./flags.ts";
import { PROJECT_ROOT } from "./project.ts";
import { readRunRecord, RunLock } from "./run/run_lock.ts";
import { isAlive, leftBehind } from "./run/running.ts";

const USAGE =
  `Stops servers and clients, in containers and as processes. The bets stay on the volume.

Usage: ${TASK} down [--help]`;

/** Longest wait for processes that were left behind, and how often they are looked at. */
const PATIENCE_MS = 3000;
const LOOK_MS = 50;

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean", default: false } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const root = PROJECT_ROOT;
  const stopped = [await stopUp(root), await stopLeftBehind(root), await removeContainers(root)];
  if (!stopped.includes(true)) console.log("Nothing was running");
  return 0;
}

/** Asks the `deno task up` that holds the lock to end, and waits for it. */
async function stopUp(root: string): Promise<boolean> {
  if (!await RunLock.isHeld(root)) return false;
  const { pid } = await readRunRecord(root);
  if (pid > 0) signal(pid, "SIGTERM");
  await RunLock.waitUntilFree(root);
  console.log(`Stopped the lottery (process ${pid})`);
  return true;
}

/** Ends servers and clients that outlived a `deno task up` which was killed. */
async function stopLeftBehind(root: string): Promise<boolean> {
  const left = await leftBehind(root);
  for (const pid of left) signal(pid, "SIGTERM");
  const deadline = Date.now() + PATIENCE_MS;
  while (left.some(isAlive) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  for (const pid of await leftBehind(root)) signal(pid, "SIGKILL");
  if (left.length > 0) console.log(`Stopped ${left.length} processes of an earlier run`);
  return left.length > 0;
}

/** Sends a signal, unless the process has just ended. */
function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function removeContainers(root: string): Promise<boolean> {
  if (await dockerFault() !== undefined) return false;
  const project = new ComposeProject(root);
  if (!await project.exists()) return false;
  await project.down();
  console.log("Stopped and removed the containers");
  return true;
}

if (import.meta.main) Deno.exit(await runTask(run));
