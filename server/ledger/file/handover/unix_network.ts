/**
 * The connections between the servers of a volume: a Unix socket in its folder, which servers in containers reach as
 * well, if they share the volume on one machine.
 *
 * @module
 */

import { resolve } from "node:path";
import { WRITER_SOCKET } from "../volume_files.ts";
import type { HandoverListener, HandoverNetwork } from "./channel.ts";

/**
 * Returns the connections of the servers that share a folder; nothing where this process may not use them, or the
 * system has none.
 */
export function unixNetwork(folder: string): HandoverNetwork | undefined {
  if (Deno.build.os === "windows") return undefined;
  const path = allowedSocket(folder);
  if (path === undefined) return undefined;
  return {
    listen: () => listen(path),
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
    // Deno before 2.9 has no such permission.
    return undefined;
  }
}

function listen(path: string): HandoverListener {
  // A server that was killed has left it.
  removeIfPresent(path);
  const listener = Deno.listen({ transport: "unix", path });
  try {
    // Only who may write the ledger may have bets stored.
    Deno.chmodSync(path, 0o600);
    const { dev, ino } = Deno.lstatSync(path);
    return {
      isReachable: () => isFile(path, { dev, ino }),
      // It also removes whatever has this path, but only when its last use has ended.
      close: () => listener.close(),
      [Symbol.asyncIterator]: () => listener[Symbol.asyncIterator](),
    };
  } catch (error) {
    listener.close();
    throw error;
  }
}

function isFile(path: string, { dev, ino }: Pick<Deno.FileInfo, "dev" | "ino">): boolean {
  try {
    const found = Deno.lstatSync(path);
    return found.dev === dev && found.ino === ino;
  } catch {
    return false;
  }
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
