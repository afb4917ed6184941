/**
 * Samples of what servers use, from /proc and from their status ports.
 *
 * @module
 */

import { BETS_FILE, CLOSED_FILE } from "../../server/ledger/file/volume_files.ts";
import type { RestartableServer, ServerGroup } from "../../testing/servers.ts";
import type { Sample } from "./growth.ts";

/** Takes a sample of each server. */
export async function sampleAll(
  { servers, volume }: ServerGroup,
  seconds: number,
): Promise<Sample[]> {
  const logBytes = logBytesOn(volume);
  return await Promise.all(servers.map(async (server) => ({
    seconds,
    ...useOf(server.process.pid),
    logBytes,
    delayMs: await delayOf(server),
  })));
}

/** Returns how many file handles a process has open. */
export function handlesOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

function useOf(pid: number): Pick<Sample, "memoryBytes" | "handles" | "threads"> {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    memoryBytes: 1024 * field("VmRSS"),
    handles: handlesOf(pid),
    threads: field("Threads"),
  };
}

/** Returns the size of everything on a volume but the rows of the ledger, which must grow. */
function logBytesOn(folder: string): number {
  let bytes = 0;
  for (const { name, isFile, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) bytes += logBytesOn(path);
    if (!isFile || name === BETS_FILE || name === CLOSED_FILE) continue;
    try {
      bytes += Deno.statSync(path).size;
    } catch (error) {
      // Servers remove some while they work.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

/** Returns how long a server's event loop takes to come to a request. */
async function delayOf(server: RestartableServer): Promise<number> {
  const beginMs = performance.now();
  await server.status("/livez");
  return performance.now() - beginMs;
}
