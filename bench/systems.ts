/**
 * The receivers of a load: servers of ours on one volume.
 *
 * @module
 */

import type { SecureOrder } from "./load.ts";
import type { NatsCluster } from "../testing/nats_cluster.ts";
import type { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import { PROJECT_ROOT } from "../tools/project.ts";

const LISTEN_BACKLOG = 512;

/** Running servers. */
export interface System extends AsyncDisposable {
  processes: readonly Program[];
  /** The port of each. */
  ports: readonly number[];
  /** How they want to be spoken with. @default {over plain TCP} */
  secure?: SecureOrder;
}

/** Options of {@linkcode startLottery}. */
export interface LotteryOptions {
  servers: number;
  agencies: number;
  volume: string;
  /** The nodes that keep the ledger instead of the volume. @default {none} */
  cluster?: NatsCluster;
  /** More settings. */
  env?: Record<string, string>;
  /** The folder of certificates and keys that `env` names. @default {none} */
  secrets?: string;
  /** The project whose servers run, for a comparison with another version. @default {this project} */
  root?: string;
}

/** Starts servers of ours as users do, each on a port of its own. */
export async function startLottery(
  { cluster, root = PROJECT_ROOT, ...options }: LotteryOptions,
): Promise<System> {
  const env = { SERVER_LISTEN_BACKLOG: String(LISTEN_BACKLOG), ...options.env };
  const nodes = cluster && (() => cluster);
  const group = await ServerGroup.start({
    ...options,
    sharedPort: false,
    env,
    nodes,
    adapt: (program) => ({
      ...program,
      cwd: root,
      args: program.args.map((arg) => arg.replaceAll(PROJECT_ROOT, root)),
    }),
  });
  return {
    processes: group.processes,
    ports: group.servers.map(({ port }) => port),
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  };
}

/** Returns the processor time of all processes so far, in seconds; undefined where it is unknown. */
export function cpuSecondsOf(processes: readonly Program[]): number | undefined {
  const seconds = processes.map((process) => process.cpuSeconds() ?? NaN);
  return known(seconds.reduce((sum, one) => sum + one, 0));
}

/** Returns the peak memory of the largest process so far, in bytes; undefined where it is unknown. */
export function peakBytesOf(processes: readonly Program[]): number | undefined {
  return known(Math.max(...processes.map((process) => process.peakBytes() ?? NaN)));
}

function known(figure: number): number | undefined {
  return Number.isNaN(figure) ? undefined : figure;
}
