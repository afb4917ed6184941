/**
 * What a fault test needs beyond Deno, and whether it is here.
 *
 * @module
 */

/** Runs a program to its end; returns whether it was there and succeeded. */
function succeeds(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs a program to its end. */
export function must(command: string, args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${why}`);
}

/** The name and `ignore` of a test that lacks something: what it is stands in its name. */
export function unlessLacking(
  name: string,
  lack: string | undefined,
): { name: string; ignore: boolean } {
  return { name: lack === undefined ? name : `${name} [ignored: ${lack}]`, ignore: !!lack };
}

/** What is missing to start processes and signal them. */
export function lacksProcesses(): string | undefined {
  const names = ["env", "net", "read", "run", "sys", "write"] as const;
  const missing = names.filter((name) => Deno.permissions.querySync({ name }).state !== "granted");
  if (missing.length > 0) return `needs --allow-${missing.join(" --allow-")}`;
  if (Deno.build.os === "windows") return "needs signals, which Windows has not";
}

/** What is missing for process states in /proc, SIGSTOP of one's own, and the like. */
export function lacksLinux(): string | undefined {
  return lacksProcesses() ?? (Deno.build.os === "linux" ? undefined : "needs Linux");
}

/** What is missing to mount a tmpfs. */
export function lacksTmpfs(): string | undefined {
  const lack = lacksLinux();
  if (lack !== undefined) return lack;
  if (Deno.uid() !== 0) return "needs root, to mount";
  const folder = Deno.makeTempDirSync();
  try {
    if (!succeeds("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])) {
      return "needs the right to mount";
    }
    succeeds("umount", [folder]);
  } finally {
    Deno.removeSync(folder);
  }
}

/** What is missing to make, check and mount an ext4 file system in a file. */
export function lacksLoopDevices(): string | undefined {
  const lack = lacksTmpfs();
  if (lack !== undefined) return lack;
  if (!succeeds("mkfs.ext4", ["-V"])) return "needs mkfs.ext4";
  if (!succeeds("e2fsck", ["-V"])) return "needs e2fsck";
  if (!succeeds("losetup", ["-f"])) return "needs loop devices";
}

/** What is missing to make system calls of another process fail. */
export function lacksStrace(): string | undefined {
  const lack = lacksLinux();
  if (lack !== undefined) return lack;
  // Deno 2.4 is seen to panic when a child of its own ends that another process traces; 2.9 is not.
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  if (major === 2 && minor < 9) return "needs Deno 2.9, to outlive a traced child";
  if (!succeeds("strace", ["-e", "trace=none", "true"])) {
    return "needs strace, and the right to trace";
  }
}
