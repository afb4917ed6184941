/**
 * Finds the processes that have a file open.
 *
 * @module
 */

import { commandOf } from "./lock_owner.ts";

/**
 * Describes the other processes of this machine that have one of the files open, those in containers
 * included. Finds none where the system does not show them: on Linux it shows those of the same user,
 * and all of them to root.
 */
export function processesWith(files: readonly Deno.FileInfo[]): string[] {
  if (Deno.build.os !== "linux") return [];
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== Deno.pid);
  return pids.filter((pid) => hasOpen(pid, files)).map((pid) =>
    `Process ${pid}${commandOf(Number(pid))}`
  );
}

function hasOpen(pid: string, files: readonly Deno.FileInfo[]): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => {
    try {
      const { ino, dev } = Deno.statSync(`/proc/${pid}/fd/${fd}`);
      return files.some((file) => file.ino === ino && file.dev === dev);
    } catch {
      return false; // It was closed a moment ago.
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch {
    return []; // The process has ended, or is another user's.
  }
}
