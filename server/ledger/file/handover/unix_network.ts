/**
 * The connections between the servers of a volume: a Unix socket in its folder, which servers in containers reach as
 * well, if they share the volume on one machine.
 *
 * @module
 */

import { resolve } from "node:path";
import { WRITER_SOCKET } from "../volume_files.ts";
import type { HandoverNetwork } from "./channel.ts";

/**
 * Returns the connections of the servers that share a folder; nothing where this process may not use them, or the
 * system has none.
 */
export function unixNetwork(folder: string): HandoverNetwork | undefined {
  if (Deno.build.os === "windows") return undefined;
  const path = allowedSocket(folder);
  if (path === undefined) return undefined;
  return {
    listen: () => {
      // A server that was killed has left it.
      removeIfPresent(path);
      const listener = Deno.listen({ transport: "unix", path });
      // Only who may write the ledger may have bets stored.
      Deno.chmodSync(path, 0o600);
      return listener;
    },
    connect: () => Deno.connect({ transport: "unix", path }),
  };
}

/** The path of the socket, if this process may use it. Asking first keeps a terminal from asking, and waiting. */
function allowedSocket(folder: string): string | undefined {
  try {
    // Permissions name sockets by absolute paths.
    const path = `${resolve(folder)}/${WRITER_SOCKET}`;
    const { state } = Deno.permissions.querySync({ name: "net", host: `unix:${path}` });
    return state === "granted" ? path : undefined;
  } catch {
    return undefined;
  }
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
