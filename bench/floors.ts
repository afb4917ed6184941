/**
 * The floors of intake: what as fast a server as can be made stores of the same load. There are two kinds, and
 * the faster one is the floor.
 *
 * @module
 */

import { Program } from "../testing/program.ts";
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
  await using stack = new AsyncDisposableStack();
  const permissions = ["--allow-net", "--allow-read", "--allow-write"];
  const file = `${folder}/floor-${kind}.txt`;
  const processes = Array.from({ length: servers }, (_, index) => {
    const paths = kind === "log" ? [file, `${folder}/floor-${index + 1}.log`] : [file];
    const args = ["run", "--quiet", ...permissions, "bench/floor_server.ts", ...paths];
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
