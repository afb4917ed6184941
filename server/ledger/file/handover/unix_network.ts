/**
 * The connections between the servers of a volume: a Unix socket in its folder, which servers in containers reach as
 * well, if they share the volume on one machine.
 *
 * @module
 */

import { WRITER_SOCKET } from "../volume_files.ts";
import type { HandoverListener, HandoverNetwork } from "./channel.ts";

/**
 * Returns the connections of the servers that share a folder; nothing where this process may not use them, or the
 * system has none.
 */
export function unixNetwork(folder: string): HandoverNetwork | undefined {
  if (Deno.build.os === "windows") return undefined;
  const path = `${folder}/${WRITER_SOCKET}`;
  if (!isAllowed(path)) return undefined;
  return {
    listen: () => listen(path),
    connect: () => Deno.connect({ transport: "unix", path }),
  };
}

/** Without the permission a terminal would ask, and a server would stand still. */
function isAllowed(path: string): boolean {
  try {
    const absolute = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
    return Deno.permissions.querySync({ name: "net", host: `unix:${absolute}` }).state ===
      "granted";
  } catch {
    // Deno before 2.9 has no such permission, and a relative path needs that to read the current folder.
    return false;
  }
}

function listen(path: string): HandoverListener {
  // A server that was killed has left it.
  removeIfPresent(path);
  const listener = Deno.listen({ transport: "unix", path });
  const { dev, ino } = Deno.lstatSync(path);
  return {
    isReachable: () => {
      try {
        const found = Deno.lstatSync(path);
        return found.dev === dev && found.ino === ino;
      } catch {
        return false;
      }
    },
    // It also removes whatever has this path, but only when its last use has ended.
    close: () => listener.close(),
    [Symbol.asyncIterator]: () => listener[Symbol.asyncIterator](),
  };
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
