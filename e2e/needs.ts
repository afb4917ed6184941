/**
 * What a test needs beyond the network and reading files. Where it is missing the test is shown as
 * ignored, with the reason in its name.
 *
 * @module
 */

/** What a test needs. */
export interface Needs {
  /** To start processes. */
  run?: boolean;
  /** To write files. */
  write?: boolean;
  /** To see the environment. */
  env?: boolean;
  /** Docker's engine, and docker compose. */
  docker?: boolean;
  /** The course's bets, in ../shared/dataset beside this project. */
  dataset?: boolean;
  /** A file that a task makes, and how to make it. */
  file?: { path: string; hint: string };
}

/** The folder of the course's bets. It is not part of this project. */
export const COURSE_DATASET: string = new URL("../../shared/dataset", import.meta.url).pathname;

/** Whether a test must be ignored, and why. */
export function needs(needs: Needs): { ignore: boolean; reason: string } {
  const permissions = (["run", "write", "env"] as const).filter((name) => needs[name]);
  const denied = permissions.filter((name) => !isGranted({ name }));
  if (denied.length > 0) return ignore(denied.map((name) => `--allow-${name}`).join(" "));
  if (needs.dataset && !exists(COURSE_DATASET)) return ignore("../shared/dataset");
  if (needs.file && !exists(needs.file.path)) return ignore(needs.file.hint);
  if (needs.docker && !hasDocker()) return ignore("docker compose and Docker's engine");
  return { ignore: false, reason: "" };
}

/** The same as the beginning of a test: its name says what is missing. */
export function needing(name: string, what: Needs): { name: string; ignore: boolean } {
  const { ignore, reason } = needs(what);
  return { name: ignore ? `${name} [ignored: ${reason}]` : name, ignore };
}

function ignore(what: string): { ignore: boolean; reason: string } {
  return { ignore: true, reason: `needs ${what}` };
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    const isExpected = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable;
    if (isExpected) return false;
    throw error;
  }
}

let dockerFound: boolean | undefined;

/** Whether containers can be started here. Asked once: it takes a moment. */
function hasDocker(): boolean {
  return dockerFound ??= ["info", "compose version"].every((command) => {
    try {
      return new Deno.Command("docker", { args: command.split(" ") }).outputSync().success;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}
