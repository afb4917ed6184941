/**
 * Finds the process that holds the lock of a file.
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
    // The caller's message is only less helpful without it.
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
export function commandOf(pid: number): string {
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").filter(Boolean);
    return ` (${words.join(" ").slice(0, 200)})`;
  } catch {
    return "";
  }
}
