/**
 * The one way to skip a test: where something that it needs is missing, the test is reported as ignored, and
 * its name says what is missing.
 *
 * @module
 */

import { PROJECT_ROOT } from "../tools/project.ts";
import { canMakeHosts } from "./hosts.ts";
import { natsServers } from "./nats_server.ts";

/**
 * The bets of the exercise, in files agency-1.csv to agency-5.csv. They belong to the exercise and are not part of
 * this project, so a developer who has them keeps them in a folder beside it. Where the folder is missing,
 * tests use sample bets instead or are skipped.
 */
export const DATASET_FOLDER = `${PROJECT_ROOT}/../shared/dataset`;

/** Something that a test needs, and how to find out whether it is here. */
export interface Resource {
  description: string;
  isPresent: () => boolean;
}

const RESOURCES = {
  /** A POSIX shell and POSIX signals. */
  posix: { description: "a POSIX shell", isPresent: () => Deno.build.os !== "windows" },
  docker: { description: "Docker's engine and docker compose", isPresent: hasDocker },
  natsServer: {
    description: "nats-server 2.10.23 or later, on the PATH, in NATS_SERVER or from .ci/nats.sh",
    isPresent: () => natsServers().length > 0,
  },
  openssl: { description: "openssl", isPresent: () => runs("openssl", ["version"]) },
  /** See hosts.ts. */
  hosts: { description: "permission to make network namespaces", isPresent: canMakeHosts },
  dataset: { description: "../shared/dataset", isPresent: hasDataset },
} as const satisfies Record<string, Resource>;

/** What a test may need: a permission, one of the known resources, or a resource of its own. */
export type Need = Deno.PermissionName | keyof typeof RESOURCES | Resource;

/** What a test needs that runs shell scripts, or tasks of this project. */
export const PROGRAMS = ["posix", "write", "run", "env"] as const satisfies readonly Need[];

/**
 * Returns the beginning of a test's definition: `Deno.test({ ...needs(["write"], "name"), fn })`, or
 * `Deno.test(needs(["write"], "name"), fn)`. If something is missing, the test is ignored and its name ends
 * with `(needs …)`.
 */
export function needs(needed: readonly Need[], name: string): { name: string; ignore: boolean } {
  const missing = findMissing(needed);
  if (missing === undefined) return { name, ignore: false };
  return { name: `${name} (needs ${missing})`, ignore: true };
}

/** Returns what is missing, for a message; undefined if nothing is. */
export function findMissing(needed: readonly Need[]): string | undefined {
  return missingPermissions(needed) ?? missingResource(needed);
}

/** Returns whether the bets of the exercise are in {@linkcode DATASET_FOLDER}. */
export function hasDataset(): boolean {
  return hasFile(DATASET_FOLDER);
}

/** Returns a resource that is the file or folder at `path`. */
export function fileResource(path: string, description: string): Resource {
  return { description, isPresent: () => hasFile(path) };
}

function missingPermissions(needed: readonly Need[]): string | undefined {
  const missing = needed.filter((need) => typeof need === "string" && !(need in RESOURCES))
    .filter((name) =>
      Deno.permissions.querySync({ name: name as Deno.PermissionName }).state !== "granted"
    );
  return missing.length === 0 ? undefined : `--allow-${missing.join(" --allow-")}`;
}

/** Looks for resources, which takes permissions: those are checked first. */
function missingResource(needed: readonly Need[]): string | undefined {
  const resources: Readonly<Record<string, Resource>> = RESOURCES;
  return needed.map((need) => typeof need === "string" ? resources[need] : need)
    .find((resource) => resource !== undefined && !resource.isPresent())?.description;
}

function hasFile(path: string): boolean {
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

/** Returns whether containers can be started here. Cached, because asking Docker takes a moment. */
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

/** Returns whether a program is there and succeeds. */
function runs(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
