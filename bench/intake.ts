/**
 * How many bets a second are stored for good, as a ratio to the floor on the same disk in the same turns.
 *
 * @module
 */

import type { Context } from "./context.ts";
import {
  showMedian,
  showMegabytes,
  showSpread,
  showTable,
  type Spread,
  spreadOf,
  spreadOfKnown,
} from "./measures.ts";
import { startFloor, startServers, type System } from "./systems.ts";
import { takeTurns, type Turn } from "./turns.ts";
import { AGENCIES, type VolumeContent } from "./volume.ts";

/** What is sent to whom: one agency a connection. */
export interface IntakeCase extends VolumeContent {
  servers: number;
  connections: number;
  packet: "StoreBet" | "StoreBatch";
  betsMax: number;
  bytesMax: number;
}

/** What the turns of a case gave. */
export interface IntakeFigures extends IntakeCase {
  betsPerSecond: Spread;
  floorBetsPerSecond: Spread;
  /** Ours to the floor, turn by turn. */
  ratio: Spread;
  /** Ours to one server of ours on an empty volume, under the same load; nothing where that is the case. */
  ratioToOneEmpty?: Spread;
  /** Of a packet's answer. */
  p50Ms: Spread;
  p99Ms: Spread;
  /** Processor time of all servers; nothing where it cannot be read. */
  cpuSecondsPerMillion?: Spread;
  floorCpuSecondsPerMillion?: Spread;
  /** Most memory of one of the servers; nothing where it cannot be read. */
  peakBytes?: number;
}

/** More bets than any packet holds. */
const BETS_UNLIMITED = 100_000;

/** The case that the others differ from in one thing or two. */
export const MAIN_CASE: IntakeCase = {
  servers: 1,
  connections: 5,
  packet: "StoreBatch",
  betsMax: 100,
  bytesMax: 8192,
  rows: 0,
  closed: 0,
};

/** Packets as full as their bytes allow. */
export function fullPackets(bytesMax: number): Partial<IntakeCase> {
  return { betsMax: BETS_UNLIMITED, bytesMax };
}

/** Measures one case, ours and the floor in turn. */
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
    peakBytes: systems[1].peakBytes(),
  };
}

/** Starts the floor, ours, and one server on an empty volume where the case is not just that. */
async function startSystems(
  { workplace, volume }: Context,
  { servers, connections, rows, closed }: IntakeCase,
  stack: AsyncDisposableStack,
): Promise<System[]> {
  const agencies = AGENCIES + connections;
  volume.prepare({ rows, closed });
  const { path } = stack.use(workplace.folder());
  const starts = [
    () => startFloor(workplace, { servers, path: `${path}/floor.txt` }),
    () => startServers(workplace, { servers, agencies, volume: volume.path }),
  ];
  if (servers > 1 || rows > 0 || closed > 0) {
    starts.push(() => startServers(workplace, { servers: 1, agencies, volume: path }));
  }
  const systems: System[] = [];
  for (const start of starts) systems.push(stack.use(await start()));
  return systems;
}

function ratioOf(ours: readonly Turn[], others: readonly Turn[]): Spread {
  return spreadOf(ours.map((turn, run) => turn.betsPerSecond / others[run].betsPerSecond));
}

/** Writes figures of the intake as a table. */
export function showIntake(figures: readonly IntakeFigures[]): string {
  return showTable(
    ["servers", "agencies", "packet", ...INTAKE_HEADINGS, "of one server"],
    figures.map((row) => [
      String(row.servers),
      String(row.connections),
      packetName(row),
      ...intakeCells(row),
      showSpread(row.ratioToOneEmpty, 2),
    ]),
  );
}

/** Writes figures of the growth as a table. */
export function showGrowth(figures: readonly IntakeFigures[]): string {
  return showTable(
    ["rows", "closed", ...INTAKE_HEADINGS, "of an empty file"],
    figures.map((row) => [
      row.rows.toLocaleString("en"),
      String(row.closed),
      ...intakeCells(row),
      showSpread(row.ratioToOneEmpty, 2),
    ]),
  );
}

const INTAKE_HEADINGS = ["bets/s", "of the floor", "p50 ms", "p99 ms", "CPU s/M", "floor's", "MB"];

function intakeCells(row: IntakeFigures): string[] {
  return [
    showSpread(row.betsPerSecond, 0),
    showSpread(row.ratio, 2),
    showSpread(row.p50Ms, 2),
    showSpread(row.p99Ms, 2),
    showMedian(row.cpuSecondsPerMillion, 2),
    showMedian(row.floorCpuSecondsPerMillion, 2),
    showMegabytes(row.peakBytes),
  ];
}

function packetName({ packet, betsMax, bytesMax }: IntakeCase): string {
  if (packet === "StoreBet") return packet;
  return betsMax === BETS_UNLIMITED ? `${bytesMax / 1024} KiB` : `${betsMax} bets`;
}
