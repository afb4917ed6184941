/**
 * What a fault run needs beyond Deno, and whether this machine has it. Each function returns what is missing, or
 * `undefined` if nothing is.
 *
 * @module
 */

import { succeeds } from "./commands.ts";

/** Names a test; if something is missing, ignores it and says so in its name. */
export function unlessMissing(
  name: string,
  missing: string | undefined,
): { name: string; ignore: boolean } {
  if (missing === undefined) return { name, ignore: false };
  return { name: `${name} [ignored: ${missing}]`, ignore: true };
}

/** Checks that processes can be started and signalled. */
export function missingForProcesses(): string | undefined {
  const names = ["env", "net", "read", "run", "sys", "write"] as const;
  const denied = names.filter((name) => Deno.permissions.querySync({ name }).state !== "granted");
  if (denied.length > 0) return `needs --allow-${denied.join(" --allow-")}`;
  if (Deno.build.os === "windows") return "needs signals, which Windows lacks";
}

/** Checks that this is Linux: for process states in /proc and for SIGSTOP. */
export function missingForLinux(): string | undefined {
  return missingForProcesses() ?? (Deno.build.os === "linux" ? undefined : "needs Linux");
}

/** Checks that a tmpfs can be mounted. */
export function missingForTmpfs(): string | undefined {
  const missing = missingForLinux();
  if (missing !== undefined) return missing;
  if (Deno.uid() !== 0) return "needs root, to mount";
  const folder = Deno.makeTempDirSync();
  try {
    if (!succeeds("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])) {
      return "needs permission to mount";
    }
    succeeds("umount", [folder]);
  } finally {
    Deno.removeSync(folder);
  }
}

/** Checks that an ext4 file system in an image file can be made, checked and mounted. */
export function missingForLoopDisk(): string | undefined {
  const missing = missingForTmpfs();
  if (missing !== undefined) return missing;
  if (!succeeds("mkfs.ext4", ["-V"])) return "needs mkfs.ext4";
  if (!succeeds("e2fsck", ["-V"])) return "needs e2fsck";
  if (!succeeds("losetup", ["-f"])) return "needs loop devices";
}

/** Checks that system calls of another process can be made to fail. */
export function missingForStrace(): string | undefined {
  const missing = missingForLinux();
  if (missing !== undefined) return missing;
  // Deno 2.4 panics when a child of its own ends while another process traces it; 2.9 does not.
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  if (major === 2 && minor < 9) return "needs Deno 2.9, to outlive a traced child";
  if (!succeeds("strace", ["-e", "trace=none", "true"])) {
    return "needs strace, and permission to trace";
  }
}
