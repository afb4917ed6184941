/**
 * Finds the processes that use a file: the one that holds its lock, and all that have it open.
 *
 * @module
 */

/** Describes the holder of a file's lock. Returns nothing if the system does not show it. */
export function lockOwner(path: string): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const pid = ownerOf(Deno.statSync(path), Deno.readTextFileSync("/proc/locks"));
    return pid === undefined ? undefined : `process ${pid}${commandOf(pid)}`;
  } catch {
    // Without it, the caller's message is only less helpful.
    return undefined;
  }
}

/**
 * Finds the process that holds the flock(2) of a file.
 *
 * It compares the inode alone, because some file systems show another device in /proc/locks than in
 * stat(2). A process of another container has the id 0 there.
 *
 * @param locks The content of /proc/locks.
 */
export function ownerOf({ ino }: Pick<Deno.FileInfo, "ino">, locks: string): number | undefined {
  for (const line of locks.split("\n")) {
    // The line of a waiter has an arrow, and so does not match.
    const match = /^\d+: FLOCK +ADVISORY +\w+ +(\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (match !== null && Number(match[2]) === ino && match[1] !== "0") return Number(match[1]);
  }
}

/** Returns a process's command line in brackets, or nothing if it is hidden. */
function commandOf(pid: number): string {
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").filter(Boolean);
    return ` (${words.join(" ").slice(0, 200)})`;
  } catch {
    return "";
  }
}

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
