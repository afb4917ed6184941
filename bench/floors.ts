/**
 * The floors of intake: what as fast a server as can be made stores of the same load. For files there are two kinds,
 * and the faster one is the floor.
 *
 * @module
 */

import type { NatsCluster } from "../testing/nats_cluster.ts";
import { Program } from "../testing/program.ts";
import { settingsFor } from "./ledger_cluster.ts";
import { spreadOf } from "./spread.ts";
import type { System } from "./systems.ts";
import type { Turn } from "./turns.ts";

/** What a floor syncs: a file that grows, or a log of full size. floor_server.ts describes both. */
export const FLOORS = ["file", "log"] as const;
export type FloorKind = typeof FLOORS[number];

/** Options of {@linkcode startFloor}. */
export interface FloorOptions {
  kind: FloorKind;
  servers: number;
  /** A folder for its files. */
  folder: string;
}

/** Starts servers of a floor, all of which append to one file. */
export async function startFloor({ kind, servers, folder }: FloorOptions): Promise<System> {
  const permissions = ["--allow-net", "--allow-read", "--allow-write"];
  const file = `${folder}/floor-${kind}.txt`;
  const commands = Array.from({ length: servers }, (_, index) => {
    const paths = kind === "log" ? [file, `${folder}/floor-${index + 1}.log`] : [file];
    return [...permissions, "bench/floor_server.ts", ...paths];
  });
  return await startPrograms(commands);
}

/** Starts the floor of a server on JetStream. `bets` are those of a batch. */
export async function startPublishFloor(cluster: NatsCluster, bets: number): Promise<System> {
  const options = JSON.stringify({ settings: settingsFor(cluster), bets });
  const permissions = ["--allow-net", "--allow-read", "--allow-env"];
  return await startPrograms([[...permissions, "bench/publish_server.ts", options]]);
}

/** Starts programs that print their port. */
async function startPrograms(commands: readonly string[][]): Promise<System> {
  await using stack = new AsyncDisposableStack();
  const processes = commands.map((command, index) => {
    const args = ["run", "--quiet", ...command];
    return stack.use(new Program({ name: `floor${index + 1}`, args }));
  });
  const lines = await Promise.all(processes.map((process) => process.line(/^port (\d+)$/)));
  const running = stack.move();
  return {
    processes,
    ports: lines.map(([, port]) => Number(port)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Returns which of the floors is the faster one. */
export function fasterFloor(turns: Readonly<Record<FloorKind, readonly Turn[]>>): FloorKind {
  const speed = (kind: FloorKind) => spreadOf(turns[kind].map((turn) => turn.betsPerSecond)).median;
  return speed("log") > speed("file") ? "log" : "file";
}
