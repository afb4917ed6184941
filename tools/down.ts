/**
 * `deno task down`: stops whatever of the lottery runs on this machine.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { ComposeProject, dockerFault } from "./docker.ts";
import { runTask } from "./flags.ts";
import { PROJECT_ROOT } from "./made_folder.ts";
import { readRunRecord, RunLock } from "./run_lock.ts";
import { isAlive, orphanedServers } from "./running.ts";

const USAGE =
  `Stops servers and clients, in containers and as processes. The bets stay on the volume.

Usage: deno task down [--help]`;

/** Longest wait for servers that were left behind, and how often they are looked at. */
const ORPHANS_MS = 3000;
const LOOK_MS = 50;

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean", default: false } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const root = PROJECT_ROOT;
  const stopped = [await stopUp(root), await stopOrphans(root), await removeContainers(root)];
  if (!stopped.includes(true)) console.log("Nothing was running");
  return 0;
}

/** Asks the `deno task up` that holds the lock to end, and waits for it. */
async function stopUp(root: string): Promise<boolean> {
  if (!await RunLock.isHeld(root)) return false;
  const { pid } = await readRunRecord(root);
  if (pid > 0) Deno.kill(pid, "SIGTERM");
  await RunLock.waitUntilFree(root);
  console.log(`Stopped \`deno task up\` (process ${pid})`);
  return true;
}

/** Ends servers that outlived a `deno task up` which was killed. */
async function stopOrphans(root: string): Promise<boolean> {
  const orphans = await orphanedServers(root);
  for (const pid of orphans) Deno.kill(pid, "SIGTERM");
  const deadline = Date.now() + ORPHANS_MS;
  while (orphans.some(isAlive) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  for (const pid of await orphanedServers(root)) Deno.kill(pid, "SIGKILL");
  if (orphans.length > 0) console.log(`Stopped ${orphans.length} servers of an earlier run`);
  return orphans.length > 0;
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
