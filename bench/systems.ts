/**
 * The receivers of a load: servers of ours on one volume, or those of the floor.
 *
 * @module
 */

import type { NatsCluster } from "../testing/nats_cluster.ts";
import type { SecureOrder } from "./load.ts";
import { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";

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
}

/** Starts servers of ours as users do, each on a port of its own. */
export async function startLottery({ cluster, ...options }: LotteryOptions): Promise<System> {
  const env = { SERVER_LISTEN_BACKLOG: String(LISTEN_BACKLOG), ...options.env };
  const nodes = cluster && (() => cluster);
  const group = await ServerGroup.start({ ...options, sharedPort: false, env, nodes });
  return {
    processes: group.processes,
    ports: group.servers.map(({ port }) => port),
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  };
}

/** Starts servers of the floor, all of which append to the file `path`. */
export async function startFloor(
  { servers, path }: { servers: number; path: string },
): Promise<System> {
  await using stack = new AsyncDisposableStack();
  const permissions = ["--allow-net", "--allow-read", "--allow-write"];
  const args = ["run", "--quiet", ...permissions, "bench/floor_server.ts", path];
  const processes = Array.from(
    { length: servers },
    (_, index) => stack.use(new Program({ name: `floor${index + 1}`, args })),
  );
  const lines = await Promise.all(processes.map((process) => process.line(/^port (\d+)$/)));
  const running = stack.move();
  return {
    processes,
    ports: lines.map(([, port]) => Number(port)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
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
