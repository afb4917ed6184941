/**
 * Programs of the system that fault runs call: mount, mkfs and the like.
 *
 * @module
 */

/** Runs a program to its end; returns whether it exists and succeeds. */
export function succeeds(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end.
 *
 * @throws {Error} If it does not exist or fails, with its stderr.
 */
export function mustRun(command: string, args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  if (success) return;
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${reason}`);
}
