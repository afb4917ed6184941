/**
 * Finds the status ports of the servers that run: those that `up` has started as processes, and those in
 * containers, whoever started these.
 *
 * @module
 */

import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import { PROJECT_ROOT, TaskError } from "../project.ts";
import { ownContainers } from "./docker.ts";
import { isFree, LOOPBACK } from "./loopback.ts";
import { isAlive, readRunRecord } from "./run_lock.ts";

/** Lists the servers that should be running, in the order of their numbers. */
export async function findServers(root: string = PROJECT_ROOT): Promise<StatusAddress[]> {
  const { children, pid, servers = [] } = await readRunRecord(root);
  // The record of a run that was killed stays until the next one.
  if (servers.length > 0 && [pid, ...children].some(isAlive)) return servers;
  return await containerAddresses();
}

/** Lists the servers in containers. A container that does not run has no address, but a name. */
export async function containerAddresses(): Promise<StatusAddress[]> {
  const containers = await ownContainers();
  return containers.filter(({ service }) => /^server\d+$/.test(service))
    .map(({ service, statusPort = 0 }) => ({
      name: service,
      hostname: "127.0.0.1",
      port: statusPort,
    }))
    .sort((one, other) => numberOf(one.name) - numberOf(other.name));
}

function numberOf(name: string): number {
  return Number(name.slice("server".length));
}

/**
 * The ports for servers on this machine are chosen here, below those that systems give to connections. Otherwise
 * a connection might have the port of a server that is being started again.
 */
const PORTS = { first: 20_000, last: 31_999 };
const ATTEMPTS_MAX = 1000;

/**
 * Chooses a free port for the status of each server on this machine. Runs that start at the same time hardly ever
 * choose the same one.
 */
export function statusAddresses(names: readonly string[]): StatusAddress[] {
  const chosen = new Set<number>();
  for (let attempt = 0; chosen.size < names.length; attempt++) {
    if (attempt === ATTEMPTS_MAX) throw new TaskError("There is no free port for status requests");
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first + 1));
    if (!chosen.has(port) && isFree(port)) chosen.add(port);
  }
  const ports = [...chosen];
  return names.map((name, index) => ({ name, hostname: LOOPBACK, port: ports[index] }));
}
