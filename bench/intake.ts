/**
 * How many bets are stored durably per second, compared with the floor on the same disk in the same turns.
 *
 * @module
 */

import { tempFolder } from "../testing/temp_folder.ts";
import type { Context } from "./context.ts";
import { fasterFloor, type FloorKind, FLOORS, startFloor } from "./floors.ts";
import { AGENCIES, type VolumeContent } from "./prepared_volume.ts";
import { type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { peakBytesOf, startLottery, type System } from "./systems.ts";
import { speedRatio, takeTurns, type Turn, underLoad } from "./turns.ts";

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
  /** The faster floor. */
  floor: FloorKind;
  floorBetsPerSecond: Spread;
  /** Our speed divided by the floor's, turn by turn. */
  ratio: Spread;
  /** The same for each kind of floor. */
  ratioToFloor: Record<FloorKind, Spread>;
  /**
   * Our speed divided by that of one server of ours on an empty volume under the same load; undefined where
   * the case is just that.
   */
  ratioToOneEmpty?: Spread;
  /** Our speed, and our processor time for a bet, divided by those of another version; undefined without one. */
  ratioToOther?: Spread;
  cpuRatioToOther?: Spread;
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

/** Those who take turns, by what they are. */
type Role = FloorKind | "ours" | "oneEmpty" | "other";

/** Measures one case: turns of the floors and of ours. */
export async function measureIntake(context: Context, intake: IntakeCase): Promise<IntakeFigures> {
  await using stack = new AsyncDisposableStack();
  const systems = await startSystems(context, intake, stack);
  const { connections, packet, betsMax, bytesMax } = intake;
  const load = { connections, firstAgency: AGENCIES + 1, packet, betsMax, bytesMax };
  const contestants = [...systems.values()].map((system) =>
    underLoad(context.thread, system, load)
  );
  const all = await takeTurns(contestants, context.pace);
  const turns = new Map([...systems.keys()].map((role, at) => [role, all[at]]));
  const [file, log, ours] = [turns.get("file")!, turns.get("log")!, turns.get("ours")!];
  const floor = fasterFloor({ file, log });
  const [oneEmpty, other] = [turns.get("oneEmpty"), turns.get("other")];
  return {
    ...intake,
    ...figuresOf(ours, turns.get(floor)!),
    floor,
    ratioToFloor: { file: speedRatio(ours, file), log: speedRatio(ours, log) },
    ratioToOneEmpty: oneEmpty && speedRatio(ours, oneEmpty),
    ratioToOther: other && speedRatio(ours, other),
    cpuRatioToOther: other && cpuRatio(ours, other),
    peakBytes: peakBytesOf(systems.get("ours")!.processes),
  };
}

function figuresOf(ours: readonly Turn[], floor: readonly Turn[]) {
  return {
    betsPerSecond: spreadOf(ours.map((turn) => turn.betsPerSecond)),
    floorBetsPerSecond: spreadOf(floor.map((turn) => turn.betsPerSecond)),
    ratio: speedRatio(ours, floor),
    p50Ms: spreadOf(ours.map((turn) => turn.p50Ms)),
    p99Ms: spreadOf(ours.map((turn) => turn.p99Ms)),
    cpuSecondsPerMillion: spreadOfKnown(ours.map((turn) => turn.cpuSecondsPerMillion)),
    floorCpuSecondsPerMillion: spreadOfKnown(floor.map((turn) => turn.cpuSecondsPerMillion)),
  };
}

/** Starts the floors, ours, one server on an empty volume unless the case is just that, and another version. */
async function startSystems(
  { folder, volume, against: root }: Context,
  { servers, connections, rows, closed }: IntakeCase,
  stack: AsyncDisposableStack,
): Promise<Map<Role, System>> {
  const agencies = AGENCIES + connections;
  await volume.prepare({ rows, closed });
  const { path } = stack.use(tempFolder(folder));
  const systems = new Map<Role, System>();
  const start = async (role: Role, starting: Promise<System>) => {
    systems.set(role, stack.use(await starting));
  };
  for (const kind of FLOORS) await start(kind, startFloor({ kind, servers, folder: path }));
  await start("ours", startLottery({ servers, agencies, volume: volume.path }));
  if (servers > 1 || rows > 0 || closed > 0) {
    await start("oneEmpty", startLottery({ servers: 1, agencies, volume: `${path}/one` }));
  }
  // Another version may have files of its own, so its volume is always an empty one.
  if (root !== undefined) {
    await start("other", startLottery({ servers, agencies, volume: `${path}/other`, root }));
  }
  return systems;
}

/** The processor time of some turns divided by that of the adjacent turns of others. */
function cpuRatio(ours: readonly Turn[], others: readonly Turn[]): Spread | undefined {
  return spreadOfKnown(ours.map(({ cpuSecondsPerMillion: cpu }, at) => {
    const other = others[at].cpuSecondsPerMillion;
    return cpu === undefined || other === undefined ? undefined : cpu / other;
  }));
}
