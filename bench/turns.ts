/**
 * The same load for several systems in turn, so that whatever else the machine does affects all of them.
 *
 * @module
 */

import type { LoadOrder, LoadResult } from "./load.ts";
import type { LoadThread } from "./load_thread.ts";
import { cpuSecondsOf, type System } from "./systems.ts";

/** A load without its receiver. */
export type Load = Omit<LoadOrder, "ports" | "secure">;

/** How many turns, and how long. */
export interface Pace {
  /** Counted turns of each system. */
  runs: number;
  /** Length of a turn. */
  seconds: number;
  /** Load before the first counted turn. Servers run for long, so their code is compiled and warm. */
  warmSeconds: number;
}

/** The figures of one turn. */
export interface Turn extends LoadResult {
  betsPerSecond: number;
  /** Processor time of all servers; undefined where it is unknown. */
  cpuSecondsPerMillion?: number;
}

/** Gives each system its turns. Returns the turns of each system. */
export async function takeTurns(
  thread: LoadThread,
  systems: readonly System[],
  { load, pace }: { load: Omit<Load, "seconds">; pace: Pace },
): Promise<Turn[][]> {
  const { runs, seconds, warmSeconds } = pace;
  for (const { ports, secure } of systems) {
    await thread.run({ ...load, ports, secure, seconds: warmSeconds });
  }
  const turns: Turn[][] = systems.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const [at, system] of systems.entries()) {
      turns[at].push(await takeTurn(thread, system, { ...load, seconds }));
    }
  }
  return turns;
}

/** Gives one system one turn. */
export async function takeTurn(thread: LoadThread, system: System, load: Load): Promise<Turn> {
  const before = cpuSecondsOf(system.processes);
  const { ports, secure } = system;
  const result = await thread.run({ ...load, ports, secure });
  const after = cpuSecondsOf(system.processes);
  const isKnown = before !== undefined && after !== undefined;
  return {
    ...result,
    betsPerSecond: result.bets / result.seconds,
    cpuSecondsPerMillion: isKnown ? (after - before) / result.bets * 1e6 : undefined,
  };
}
