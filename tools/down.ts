/**
 * `deno task down`: stops everything of the lottery that runs on this machine.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { TASK, TaskError } from "./project.ts";
import { ComposeProject } from "./run/docker.ts";
import { leftBehind, readRunRecord, RunLock } from "./run/run_lock.ts";

const USAGE =
  `Stops servers and clients, in containers and as processes. The bets stay on the volume.

Usage: ${TASK} down [--help]`;

/** How long processes of an earlier run may take to end, and how often they are checked. */
const STOP_GRACE_MS = 3000;
const KILL_GRACE_MS = 2000;
const POLL_MS = 50;

async function run(): Promise<number> {
  const stopped = [await stopUp(), await stopLeftBehind(), await removeContainers()];
  if (!stopped.includes(true)) console.log("Nothing was running");
  return 0;
}

/** Stops the `up` that holds the lock, and waits for its end. Returns whether there was one. */
async function stopUp(): Promise<boolean> {
  if (!await RunLock.isHeld()) return false;
  const { pid } = await readRunRecord();
  console.log(`Stopping the lottery: process ${pid}, and what it has started`);
  if (pid > 0) signal(pid, "SIGTERM");
  await RunLock.waitUntilFree();
  console.log(`Stopped the lottery (process ${pid})`);
  return true;
}

/** Stops what outlived an `up` that was killed. Returns whether there was anything. */
async function stopLeftBehind(): Promise<boolean> {
  const left = await leftBehind();
  if (left.length > 0) console.log(`Stopping what is left of an earlier run: ${left.join(", ")}`);
  for (const pid of left) signal(pid, "SIGTERM");
  for (const pid of await outlasting(STOP_GRACE_MS)) signal(pid, "SIGKILL");
  const survivors = await outlasting(KILL_GRACE_MS);
  if (survivors.length > 0) {
    throw new TaskError(`Cannot end processes that were killed: ${survivors.join(", ")}`);
  }
  if (left.length > 0) {
    const processes = left.length === 1 ? "process" : "processes";
    console.log(`Stopped ${left.length} ${processes} of an earlier run`);
  }
  return left.length > 0;
}

/** Returns what an earlier run has left as soon as that is nothing, or what is still there after so long. */
async function outlasting(graceMs: number): Promise<number[]> {
  const deadlineMs = performance.now() + graceMs;
  let left = await leftBehind();
  while (left.length > 0 && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    left = await leftBehind();
  }
  return left;
}

/** Sends a signal to a process, unless it has just ended. */
function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function removeContainers(): Promise<boolean> {
  const projects = await ComposeProject.findAll();
  for (const project of projects) {
    console.log("Stopping and removing the containers");
    await project.down();
  }
  if (projects.length > 0) console.log("Stopped and removed the containers");
  return projects.length > 0;
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: {}, run }));
