/**
 * The nats-server program of tests with a real cluster.
 *
 * @module
 */

import { compareVersions, NATS_VERSION_MIN } from "../tools/nodes/nats_server.ts";
import { PROJECT_ROOT } from "../tools/project.ts";

/** Where .ci/nats.sh leaves its programs, the one that tests prefer first. */
const FETCHED = ["trixie", "sid"].map((release) =>
  `${PROJECT_ROOT}/.cache/nats/${release}/nats-server`
);

/** A nats-server. */
export interface NatsProgram {
  /** Its path, or its name on the PATH. */
  path: string;
  /** For example "2.10.27". */
  version: string;
}

let found: NatsProgram[] | undefined;

/**
 * Returns every nats-server that is new enough, the one to use first: the one that NATS_SERVER
 * names, the one on the PATH, those that .ci/nats.sh has fetched. Cached.
 */
export function findNatsServers(): readonly NatsProgram[] {
  if (found !== undefined) return found;
  const named = Deno.env.get("NATS_SERVER");
  const paths = named === undefined ? ["nats-server", ...FETCHED] : [named];
  found = paths.map((path) => ({ path, version: versionOf(path) ?? "0.0.0" }))
    .filter(({ version }) => compareVersions(version, NATS_VERSION_MIN) >= 0);
  return found;
}

/** Returns the version that a program prints; undefined if there is no such program. */
function versionOf(path: string): string | undefined {
  try {
    const { stdout } = new Deno.Command(path, { args: ["--version"] }).outputSync();
    return /^nats-server: v(\d+\.\d+\.\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
