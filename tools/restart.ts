/**
 * `deno task restart`: restarts the servers one after another, while agencies send bets.
 *
 * @module
 */

import { askStatus, type StatusAddress } from "../shared/status/lottery_watch.ts";
import { runCommand } from "./command.ts";
import { TASK, TaskError } from "./project.ts";
import { ownContainers, runDocker } from "./run/docker.ts";
import { RESTART_SIGNAL, restartInTurn } from "./run/rolling_restart.ts";
import { isAlive, readRunRecord } from "./run/run_lock.ts";
import { containerAddresses } from "./run/status_addresses.ts";

const USAGE =
  `Restarts the servers one after another: each answers the packets in hand, stops and starts, and the next one
follows when it is ready. Agencies reconnect to the others, and lose nothing.

Usage: ${TASK} restart [--help]

Exit code: 0 if all servers were restarted; 1 if none runs, or one did not become ready.`;

/** A server that stops has this long, as with \`up\`. */
const STOP_SECONDS = 5;
const POLL_MS = 100;
/** How long a server may take to be restarted, those before it not counted. */
const PATIENCE_MS = 150_000;

async function run(): Promise<number> {
  const { pid, servers = [] } = await readRunRecord();
  if (servers.length > 0 && isAlive(pid)) await restartProcesses(pid, servers);
  else await restartContainers();
  return 0;
}

/** Lets `up` restart the processes that it has started, and follows what happens. */
async function restartProcesses(up: number, servers: readonly StatusAddress[]): Promise<void> {
  const before = new Map<string, number | undefined>();
  for (const server of servers) before.set(server.name, await pidOf(server));
  Deno.kill(up, RESTART_SIGNAL);
  for (const server of servers) {
    const startMs = performance.now();
    while (!await isRestarted(server, before.get(server.name))) {
      if (!isAlive(up)) throw new TaskError(`The run ended before ${server.name} was restarted`);
      if (performance.now() - startMs > PATIENCE_MS) {
        throw new TaskError(
          `${server.name} was not restarted: see why with: ${TASK} logs ${server.name}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    console.log(`${server.name} was restarted, and is ready`);
  }
}

async function pidOf(server: StatusAddress): Promise<number | undefined> {
  return (await askStatus(server).catch(() => undefined))?.server.pid;
}

async function isRestarted(server: StatusAddress, before: number | undefined): Promise<boolean> {
  const report = await askStatus(server).catch(() => undefined);
  return report !== undefined && report.server.ready && report.server.pid !== before;
}

async function restartContainers(): Promise<void> {
  const addresses = await containerAddresses();
  if (addresses.length === 0) {
    throw new TaskError(`No server runs. To start the lottery, run: ${TASK} up`);
  }
  const containers = new Map(
    (await ownContainers()).map(({ service, name }) => [service, name]),
  );
  const servers = addresses.map((address) => ({
    ...address,
    restart: () => restartContainer(containers.get(address.name)!),
    // Docker may give it another port.
    address: async () => {
      const found = (await containerAddresses()).find(({ name }) => name === address.name);
      return found ?? address;
    },
  }));
  await restartInTurn(servers, (_, text) => console.log(text));
}

async function restartContainer(container: string): Promise<boolean> {
  const args = ["restart", "--time", String(STOP_SECONDS), container];
  const { success, stderr } = await runDocker(args);
  if (!success) throw new TaskError(`docker restart ${container} failed: ${stderr}`);
  return true;
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: {}, run }));
