/**
 * What fault runs need beyond Deno; see testing/needs.ts.
 *
 * @module
 */

import type { Need } from "../../testing/needs.ts";
import { succeeds } from "./commands.ts";

/** To start and signal processes. */
export const PROCESSES: readonly Need[] = ["env", "net", "read", "run", "sys", "write", "posix"];

/** For process states in /proc, and for SIGSTOP. */
export const LINUX: readonly Need[] = [
  ...PROCESSES,
  { description: "Linux", isPresent: () => Deno.build.os === "linux" },
];

/** To kill and stop the nodes of a real cluster. */
export const NODES: readonly Need[] = [...LINUX, "natsServer"];

/** To give nodes and servers hosts of their own. */
export const HOSTS: readonly Need[] = [...NODES, "hosts"];

/** To mount a tmpfs. */
export const TMPFS: readonly Need[] = [
  ...LINUX,
  { description: "root", isPresent: () => Deno.uid() === 0 },
  { description: "permission to mount", isPresent: canMount },
];

/** To make, check and mount an ext4 file system in an image file. */
export const LOOP_DISK: readonly Need[] = [
  ...TMPFS,
  { description: "mkfs.ext4", isPresent: () => succeeds("mkfs.ext4", ["-V"]) },
  { description: "e2fsck", isPresent: () => succeeds("e2fsck", ["-V"]) },
  { description: "loop devices", isPresent: () => succeeds("losetup", ["-f"]) },
];

/** To call what Deno cannot: sync_file_range(2). */
export const PYTHON: Need = {
  description: "python3",
  isPresent: () => succeeds("python3", ["--version"]),
};

/** To make system calls of another process fail. */
export const STRACE: readonly Need[] = [
  ...LINUX,
  { description: "Deno 2.9, to outlive a traced child", isPresent: outlivesTracedChild },
  {
    description: "strace, and permission to trace",
    isPresent: () => succeeds("strace", ["-e", "trace=none", "true"]),
  },
];

function canMount(): boolean {
  const folder = Deno.makeTempDirSync();
  try {
    if (!succeeds("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])) return false;
    succeeds("umount", [folder]);
    return true;
  } finally {
    Deno.removeSync(folder);
  }
}

/** Older versions panic when a child of their own ends while another process traces it. */
function outlivesTracedChild(): boolean {
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  return major > 2 || minor >= 9;
}
