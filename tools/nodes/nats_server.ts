/**
 * The program nats-server on this machine.
 *
 * @module
 */

import { PROJECT_ROOT, TaskError } from "../project.ts";

/** The oldest version that servers of the lottery accept. */
export const NATS_VERSION_MIN = "2.10.23";

/** Where .ci/nats.sh puts it, the newest one first. */
const CACHED = ["image", "sid", "trixie"].map((origin) =>
  `${PROJECT_ROOT}/.cache/nats/${origin}/nats-server`
);

/** Where to get the program. */
const NATS_SERVER_ADVICE =
  "Install nats-server 2.14 or later: the package of your system if it is new enough (brew install " +
  "nats-server, apt-get install nats-server in Debian 13), or the archive of your platform from " +
  "https://github.com/nats-io/nats-server/releases. Put it on the PATH, or name it: " +
  "NATS_SERVER=/path/to/nats-server";

/** A nats-server that can be started. */
export interface NatsServer {
  path: string;
  /** Its version, such as `2.14.5`. */
  version: string;
}

/** Where to look for the program. */
export interface NatsServerSources {
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** Paths to try after the PATH. @default {where .ci/nats.sh puts it} */
  cached?: readonly string[];
}

/**
 * Finds every nats-server that is new enough, the one to use first: that of NATS_SERVER alone, or else the one
 * on the PATH and those of .ci/nats.sh.
 *
 * @returns Them, and what is wrong with others that were found.
 */
export function listNatsServers(
  { environment = (name) => Deno.env.get(name), cached = CACHED }: NatsServerSources = {},
): { servers: NatsServer[]; faults: string[] } {
  const named = environment("NATS_SERVER")?.trim();
  const found = (named ? [named] : ["nats-server", ...cached])
    .map((path) => ({ path, version: versionOf(path) }))
    .filter((server): server is NatsServer => server.version !== undefined);
  const isNew = ({ version }: NatsServer) => compareVersions(version, NATS_VERSION_MIN) >= 0;
  const faults = found.filter((server) => !isNew(server)).map(({ path, version }) =>
    `${path} is version ${version}, which is older than ${NATS_VERSION_MIN}`
  );
  if (named && found.length === 0) faults.push(`NATS_SERVER is ${named}, which does not run`);
  return { servers: found.filter(isNew), faults };
}

/**
 * Finds the nats-server to use: the first of {@linkcode listNatsServers}.
 *
 * @throws {TaskError} If there is none that is new enough. It says how to get one.
 */
export function findNatsServer(sources?: NatsServerSources): NatsServer {
  const { servers: [server], faults } = listNatsServers(sources);
  if (server !== undefined) return server;
  const reason = faults.join("; ") || "there is no nats-server on the PATH";
  throw new TaskError(`Cannot start the nodes of the ledger: ${reason}. ${NATS_SERVER_ADVICE}`);
}

/** Asks a program for its version. Returns nothing if it does not run, or is another program. */
function versionOf(path: string): string | undefined {
  try {
    const { stdout } = new Deno.Command(path, { args: ["--version"] }).outputSync();
    return /^nats-server: v(\d+\.\d+\.\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
  } catch {
    return undefined;
  }
}

/** Compares two versions of the form `2.10.23`; what follows a hyphen is ignored. Negative: the first is older. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split("-")[0].split(".").map(Number));
  const index = a.findIndex((part, index) => part !== b[index]);
  return index < 0 ? 0 : a[index] - (b[index] ?? 0);
}
