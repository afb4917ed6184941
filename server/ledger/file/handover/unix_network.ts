/**
 * The connections between the servers of a volume: a Unix socket in its folder, which servers in containers reach as
 * well, if they share the volume on one machine.
 *
 * @module
 */

import { WRITER_SOCKET } from "../volume_files.ts";
import type { HandoverNetwork } from "./channel.ts";

/**
 * Returns the connections of the servers that share a folder; nothing where this process may not use them, or the
 * system has none.
 */
export function unixNetwork(folder: string): HandoverNetwork | undefined {
  if (Deno.build.os === "windows") return undefined;
  const path = `${folder}/${WRITER_SOCKET}`;
  // Without the permission a terminal would ask, and a server would stand still.
  const { state } = Deno.permissions.querySync({ name: "net", host: `unix:${path}` });
  if (state !== "granted") return undefined;
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

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
