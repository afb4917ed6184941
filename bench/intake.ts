/**
 * How many bets are stored durably per second, compared with the floor on the same disk in the same turns.
 *
 * @module
 */

import { tempFolder } from "../testing/temp_folder.ts";
import type { Context } from "./context.ts";
import { AGENCIES, type VolumeContent } from "./prepared_volume.ts";
import { type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { peakBytesOf, startFloor, startLottery, type System } from "./systems.ts";
import { takeTurns, type Turn } from "./turns.ts";

/** What is sent where. Each connection sends for one agency. */
export interface IntakeCase extends VolumeContent {
  servers: number;
  connections: number;
  packet: "StoreBet" | "StoreBatch";
  betsMax: number;
  bytesMax: number;
}

/** The figures of a case. */
export interface IntakeFigures extends IntakeCase {
  betsPerSecond: Spread;
  floorBetsPerSecond: Spread;
  /** Our speed divided by the floor's, turn by turn. */
  ratio: Spread;
  /**
   * Our speed divided by that of one server of ours on an empty volume under the same load; undefined where
   * the case is just that.
   */
  ratioToOneEmpty?: Spread;
  /** Latency of a packet's answer. */
  p50Ms: Spread;
  p99Ms: Spread;
  /** Processor time of all servers; undefined where it is unknown. */
  cpuSecondsPerMillion?: Spread;
  floorCpuSecondsPerMillion?: Spread;
  /** Peak memory of the largest server; undefined where it is unknown. */
  peakBytes?: number;
}

/** More bets than any packet holds. */
export const BETS_UNLIMITED = 100_000;

/** The case from which the others differ in one or two values. */
export const MAIN_CASE: IntakeCase = {
  servers: 1,
  connections: 5,
  packet: "StoreBatch",
  betsMax: 100,
  bytesMax: 8192,
  rows: 0,
  closed: 0,
};

/** Measures one case: turns of the floor and of ours. */
export async function measureIntake(context: Context, intake: IntakeCase): Promise<IntakeFigures> {
  const { thread, pace } = context;
  await using stack = new AsyncDisposableStack();
  const systems = await startSystems(context, intake, stack);
  const { connections, packet, betsMax, bytesMax } = intake;
  const load = { connections, firstAgency: AGENCIES + 1, packet, betsMax, bytesMax };
  const [floor, ours, oneEmpty] = await takeTurns(thread, systems, { load, pace });
  return {
    ...intake,
    betsPerSecond: spreadOf(ours.map((turn) => turn.betsPerSecond)),
    floorBetsPerSecond: spreadOf(floor.map((turn) => turn.betsPerSecond)),
    ratio: ratioOf(ours, floor),
    ratioToOneEmpty: oneEmpty === undefined ? undefined : ratioOf(ours, oneEmpty),
    p50Ms: spreadOf(ours.map((turn) => turn.p50Ms)),
    p99Ms: spreadOf(ours.map((turn) => turn.p99Ms)),
    cpuSecondsPerMillion: spreadOfKnown(ours.map((turn) => turn.cpuSecondsPerMillion)),
    floorCpuSecondsPerMillion: spreadOfKnown(floor.map((turn) => turn.cpuSecondsPerMillion)),
    peakBytes: peakBytesOf(systems[1].processes),
  };
}

/** Starts the floor, ours, and one server on an empty volume unless the case is just that. */
async function startSystems(
  { folder, volume }: Context,
  { servers, connections, rows, closed }: IntakeCase,
  stack: AsyncDisposableStack,
): Promise<System[]> {
  const agencies = AGENCIES + connections;
  await volume.prepare({ rows, closed });
  const { path } = stack.use(tempFolder(folder));
  const starts = [
    () => startFloor({ servers, path: `${path}/floor.txt` }),
    () => startLottery({ servers, agencies, volume: volume.path }),
  ];
  if (servers > 1 || rows > 0 || closed > 0) {
    starts.push(() => startLottery({ servers: 1, agencies, volume: path }));
  }
  const systems: System[] = [];
  for (const start of starts) systems.push(stack.use(await start()));
  return systems;
}

function ratioOf(ours: readonly Turn[], others: readonly Turn[]): Spread {
  return spreadOf(ours.map((turn, run) => turn.betsPerSecond / others[run].betsPerSecond));
}
