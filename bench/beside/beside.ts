/**
 * Ours beside other systems that make a batch durable before they answer, on the same disk in turns.
 *
 * @module
 */

import { tempFolder } from "../../testing/temp_folder.ts";
import type { Context } from "../context.ts";
import { MAIN_CASE } from "../intake.ts";
import { type Spread, spreadOf } from "../spread.ts";
import { startLottery } from "../systems.ts";
import { type Contestant, speedRatio, takeTurns, underLoad } from "../turns.ts";
import { missingPostgres, startPostgres } from "./postgres.ts";
import { missingRedis, startRedis } from "./redis.ts";

/** How many connections send batches of how many bets. */
export interface BesideCase {
  connections: number;
  bets: number;
}

/** The figures of one system. */
export interface BesideFigures extends BesideCase {
  what: string;
  betsPerSecond: Spread;
  /** Our speed divided by this one, turn by turn. */
  ours: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
}

/** Starts a system with its files in a folder. What runs goes onto the stack. */
type Start = (
  folder: string,
  besideCase: BesideCase,
  stack: AsyncDisposableStack,
) => Promise<Contestant>;

/** Another system. */
interface OtherSystem {
  what: string;
  /** Returns what is missing to run it; undefined if nothing is. */
  missing: () => string | undefined;
  start: Start;
}

const OTHERS: readonly OtherSystem[] = [
  { what: "Redis, appendfsync always, RPUSH", missing: missingRedis, start: startRedis },
  { what: "PostgreSQL, COPY", missing: missingPostgres, start: startPostgres },
];

/** Returns what is missing for the comparison, one text for each system that cannot be measured. */
export function missingSystems(): string[] {
  return OTHERS.map(({ missing }) => missing()).filter((text) => text !== undefined);
}

/** Measures one case: turns of ours and of every system that is installed. */
export async function measureBeside(
  { folder: parent, thread, pace }: Context,
  besideCase: BesideCase,
): Promise<BesideFigures[]> {
  const { connections, bets: betsMax } = besideCase;
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(tempFolder(parent));
  const server = stack.use(
    await startLottery({ servers: 1, agencies: connections, volume: folder }),
  );
  const load = { ...MAIN_CASE, connections, betsMax, firstAgency: 1 };
  const names = ["ours"];
  const contestants = [underLoad(thread, server, load)];
  for (const { what, missing, start } of OTHERS) {
    if (missing() !== undefined) continue;
    names.push(what);
    contestants.push(await start(folder, besideCase, stack));
  }
  const all = await takeTurns(contestants, pace);
  return all.map((turns, at) => ({
    ...besideCase,
    what: names[at],
    betsPerSecond: spreadOf(turns.map((turn) => turn.betsPerSecond)),
    ours: speedRatio(all[0], turns),
    p50Ms: spreadOf(turns.map((turn) => turn.p50Ms)),
    p99Ms: spreadOf(turns.map((turn) => turn.p99Ms)),
  }));
}
