/**
 * Who holds the lock of a file.
 *
 * @module
 */

/** The part of Deno.FileInfo by which /proc/locks names a file. */
export type FileId = Pick<Deno.FileInfo, "ino">;

/** The process that holds the lock of a file, in words; nothing where the system does not tell. */
export function lockOwner(path: string): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const pid = ownerOf(Deno.statSync(path), Deno.readTextFileSync("/proc/locks"));
    return pid === undefined ? undefined : `process ${pid}${commandOf(pid)}`;
  } catch {
    // Without it, the message is less helpful, and that is all.
    return undefined;
  }
}

/**
 * The process that holds the flock(2) of a file.
 *
 * The number of the file alone is compared: some file systems have another device here than there. A process
 * of another container has no number here.
 */
export function ownerOf({ ino }: FileId, locks: string): number | undefined {
  for (const line of locks.split("\n")) {
    // A line of one who waits has an arrow.
    const match = /^\d+: FLOCK +ADVISORY +\w+ +(\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (match !== null && Number(match[2]) === ino && match[1] !== "0") return Number(match[1]);
  }
}

/** A process's command line in brackets, if it can be seen. */
function commandOf(pid: number): string {
  try {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").filter(Boolean);
    return ` (${words.join(" ").slice(0, 200)})`;
  } catch {
    return "";
  }
}
