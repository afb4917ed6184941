/**
 * How many bets a second are stored for good, as a ratio to the floor on the same disk in the same run.
 *
 * @module
 */

import type { LoadResult } from "./load.ts";
import { showSpread, showTable, type Spread, spreadOf } from "./measures.ts";
import { runLoad, startFloor, startServer } from "./processes.ts";

/** One line of the table: how the load is dealt out. */
export interface IntakeCase {
  servers: number;
  connections: number;
  batchSize: number;
  bets: number;
}

/** What several runs of a case gave. */
export interface IntakeFigures extends IntakeCase {
  betsPerSecond: Spread;
  /** Of the same load on the floor, run in turn with ours. */
  floorBetsPerSecond: Spread;
  /** Ours to the floor, run by run. */
  ratio: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  /** Processor time of all servers for a million bets; nothing where it cannot be read. */
  cpuSecondsPerMillion?: Spread;
  /** Most memory of a server, in bytes; nothing where it cannot be read. */
  peakBytes?: number;
}

interface ServerRun extends LoadResult {
  cpuSeconds?: number;
  peakBytes?: number;
}

const AGENCIES = 100;
/** About as much as fits our client's longest packet. */
export const BYTE_LIMIT_BATCH = 160;

/** The cases of a benchmark: a few of them in a quick one. */
export function intakeCases(isQuick: boolean): IntakeCase[] {
  const main = { servers: 1, connections: 5, batchSize: 100, bets: isQuick ? 300_000 : 800_000 };
  if (isQuick) return [main, { ...main, servers: 3 }, { ...main, batchSize: 1, bets: 15_000 }];
  return [
    main,
    { ...main, servers: 3 },
    { ...main, servers: 8, connections: 16 },
    { ...main, connections: 1, bets: 200_000 },
    { ...main, connections: 100 },
    { ...main, batchSize: 20, bets: 300_000 },
    { ...main, batchSize: BYTE_LIMIT_BATCH },
    { ...main, connections: 16, batchSize: 1, bets: 60_000 },
  ];
}

/** Measures one case, ours and the floor in turn. */
export async function measureIntake(intake: IntakeCase, runs: number): Promise<IntakeFigures> {
  const ours: ServerRun[] = [];
  const floor: LoadResult[] = [];
  for (let run = 0; run < runs; run++) {
    floor.push(await runFloor(intake));
    ours.push(await runOurs(intake));
  }
  const cpu = ours.flatMap(({ cpuSeconds }) => cpuSeconds ?? []);
  const peaks = ours.flatMap(({ peakBytes }) => peakBytes ?? []);
  return {
    ...intake,
    betsPerSecond: spreadOf(ours.map((run) => run.betsPerSecond)),
    floorBetsPerSecond: spreadOf(floor.map((run) => run.betsPerSecond)),
    ratio: spreadOf(ours.map((run, at) => run.betsPerSecond / floor[at].betsPerSecond)),
    p50Ms: spreadOf(ours.map((run) => run.p50Ms)),
    p99Ms: spreadOf(ours.map((run) => run.p99Ms)),
    ...(cpu.length > 0 && {
      cpuSecondsPerMillion: spreadOf(cpu.map((seconds) => seconds / intake.bets * 1e6)),
    }),
    ...(peaks.length > 0 && { peakBytes: Math.max(...peaks) }),
  };
}

/** Writes figures as a table. */
export function showIntake(figures: readonly IntakeFigures[]): string {
  return showTable(
    ["servers", "connections", "batch", "bets/s", "of the floor", "p50 ms", "p99 ms", "MB"],
    figures.map((row) => [
      String(row.servers),
      String(row.connections),
      String(row.batchSize),
      showSpread(row.betsPerSecond, 0),
      showSpread(row.ratio, 2),
      showSpread(row.p50Ms, 2),
      showSpread(row.p99Ms, 2),
      row.peakBytes === undefined ? "" : String(Math.round(row.peakBytes / 1e6)),
    ]),
  );
}

async function runFloor({ connections, bets, batchSize }: IntakeCase): Promise<LoadResult> {
  const folder = await Deno.makeTempDir({ prefix: "lottery-bench-" });
  try {
    await using floor = await startFloor(folder);
    const ports = [floor.port];
    return await runLoad({ ports, connections, agencies: AGENCIES, bets, batchSize });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runOurs({ servers, connections, bets, batchSize }: IntakeCase): Promise<ServerRun> {
  const folder = await Deno.makeTempDir({ prefix: "lottery-bench-" });
  try {
    await using stack = new AsyncDisposableStack();
    const running = [];
    for (let server = 0; server < servers; server++) {
      running.push(stack.use(await startServer(folder)));
    }
    const before = running.map((server) => server.cpuSeconds() ?? NaN);
    const ports = running.map((server) => server.port);
    const result = await runLoad({ ports, connections, agencies: AGENCIES, bets, batchSize });
    const spent = running.map((server, at) => (server.cpuSeconds() ?? NaN) - before[at]);
    const cpuSeconds = spent.reduce((sum, seconds) => sum + seconds, 0);
    const peakBytes = Math.max(...running.map((server) => server.peakBytes() ?? NaN));
    return {
      ...result,
      ...(!Number.isNaN(cpuSeconds) && { cpuSeconds }),
      ...(!Number.isNaN(peakBytes) && { peakBytes }),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
