/**
 * Several programs that take turns, so that whatever else the machine does affects all of them.
 *
 * @module
 */

import type { LoadOrder } from "./load.ts";
import type { LoadThread } from "./load_thread.ts";
import type { LoadResult } from "./load_worker.ts";
import { type Spread, spreadOf } from "./spread.ts";
import { cpuSecondsOf, type System } from "./systems.ts";

/** A load without its receiver and its duration. */
export type Load = Omit<LoadOrder, "ports" | "secure" | "seconds">;

/** How many turns, and how long. */
export interface Pace {
  /** Counted turns of each contestant. */
  runs: number;
  /** Length of a turn. */
  seconds: number;
  /** Load before the first counted turn. Servers run for long, so their code is compiled and warm. */
  warmSeconds: number;
}

/** One of those that take turns. */
export interface Contestant {
  /** Stores bets for some time. */
  run: (seconds: number) => Promise<LoadResult>;
  /** The servers whose processor time is measured. @default {none} */
  system?: System;
}

/** The figures of one turn. */
export interface Turn extends LoadResult {
  betsPerSecond: number;
  /** Processor time of the contestant's servers; undefined where it is unknown. */
  cpuSecondsPerMillion?: number;
}

/** The contestant that `system` is under a load. */
export function underLoad(thread: LoadThread, system: System, load: Load): Contestant {
  const { ports, secure } = system;
  return { system, run: (seconds) => thread.run({ ...load, ports, secure, seconds }) };
}

/** Warms all contestants, and gives each its turns. Returns the turns of each. */
export async function takeTurns(
  contestants: readonly Contestant[],
  { runs, seconds, warmSeconds }: Pace,
): Promise<Turn[][]> {
  for (const { run } of contestants) await run(warmSeconds);
  const turns: Turn[][] = contestants.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const [at, contestant] of contestants.entries()) {
      turns[at].push(await takeTurn(contestant, seconds));
    }
  }
  return turns;
}

/** Gives a contestant one turn. */
export async function takeTurn({ run, system }: Contestant, seconds: number): Promise<Turn> {
  const cpuSeconds = () => system && cpuSecondsOf(system.processes);
  const before = cpuSeconds();
  const result = await run(seconds);
  const after = cpuSeconds();
  const isKnown = before !== undefined && after !== undefined;
  return {
    ...result,
    betsPerSecond: result.bets / result.seconds,
    cpuSecondsPerMillion: isKnown ? (after - before) / result.bets * 1e6 : undefined,
  };
}

/** The speed of some turns divided by that of the adjacent turns of others. */
export function speedRatio(turns: readonly Turn[], others: readonly Turn[]): Spread {
  return spreadOf(turns.map((turn, at) => turn.betsPerSecond / others[at].betsPerSecond));
}
