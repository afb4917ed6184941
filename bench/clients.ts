/**
 * How fast our own client programs send their files, from their start to the last answer.
 *
 * @module
 */

import { CLIENT_PERMISSIONS } from "../tools/run/permissions.ts";
import type { Context } from "./context.ts";
import { MAIN_CASE } from "./intake.ts";
import { appendBlocks, BLOCK_BETS, madeBets } from "./made_bets.ts";
import {
  showMedian,
  showMegabytes,
  showSpread,
  showTable,
  type Spread,
  spreadOf,
  spreadOfKnown,
} from "./measures.ts";
import { startFloor, startServers } from "./systems.ts";
import { takeTurn } from "./turns.ts";
import { cpuSecondsOf, peakBytesOf, type Workplace } from "./workplace.ts";

/** How many clients at once, how many bets each sends, and how often. */
export interface ClientsCase {
  clients: number;
  /** A multiple of {@linkcode BLOCK_BETS}. */
  betsOfEach: number;
  runs: number;
}

/** What the runs of a case gave. */
export interface ClientsFigures extends ClientsCase {
  /** Of all clients together, from the start of the first to the last answer of the last. */
  betsPerSecond: Spread;
  /** To the floor under the main load of the intake, in turn with the clients. */
  ratio: Spread;
  /** Of the clients; nothing where it cannot be read. */
  cpuSecondsPerMillion?: Spread;
  /** Most memory of one client; nothing where it cannot be read. */
  peakBytes?: number;
}

interface ClientsRun {
  betsPerSecond: number;
  cpuSecondsPerMillion?: number;
  peakBytes?: number;
}

/** Measures one case: turns of the floor, and of the clients with a server that is warm. */
export async function measureClients(context: Context, what: ClientsCase): Promise<ClientsFigures> {
  const { workplace, thread, pace } = context;
  await using folder = workplace.folder();
  const data = `${folder.path}/agency.csv`;
  const lines = madeBets(BLOCK_BETS).map((fields) => `${fields.join(",")}\n`);
  appendBlocks(data, new TextEncoder().encode(lines.join("")), what.betsOfEach / BLOCK_BETS);
  const { connections } = MAIN_CASE;
  const agencies = connections + what.runs * what.clients;
  await using floor = await startFloor(workplace, { servers: 1, path: `${folder.path}/floor.txt` });
  await using ours = await startServers(workplace, { servers: 1, agencies, volume: folder.path });
  const load = { ...MAIN_CASE, firstAgency: 1 };
  for (const { ports } of [floor, ours]) {
    await thread.run({ ...load, ports, seconds: pace.warmSeconds });
  }
  const runs: ClientsRun[] = [];
  const floorRates: number[] = [];
  for (let run = 0; run < what.runs; run++) {
    const turn = await takeTurn(thread, floor, { ...load, seconds: pace.seconds });
    floorRates.push(turn.betsPerSecond);
    const firstAgency = connections + run * what.clients + 1;
    runs.push(await runClients(workplace, what, { firstAgency, port: ours.ports[0], data }));
  }
  return {
    ...what,
    betsPerSecond: spreadOf(runs.map((run) => run.betsPerSecond)),
    ratio: spreadOf(runs.map((run, at) => run.betsPerSecond / floorRates[at])),
    cpuSecondsPerMillion: spreadOfKnown(runs.map((run) => run.cpuSecondsPerMillion)),
    peakBytes: spreadOfKnown(runs.map((run) => run.peakBytes))?.max,
  };
}

/** Writes figures as a table. */
export function showClients(figures: readonly ClientsFigures[]): string {
  return showTable(
    ["clients", "bets of each", "bets/s", "of the floor", "CPU s/M", "MB"],
    figures.map((row) => [
      String(row.clients),
      row.betsOfEach.toLocaleString("en"),
      showSpread(row.betsPerSecond, 0),
      showSpread(row.ratio, 2),
      showMedian(row.cpuSecondsPerMillion, 2),
      showMegabytes(row.peakBytes),
    ]),
  );
}

/** Starts clients for agencies that have sent nothing yet; ends them when they have sent all. */
async function runClients(
  workplace: Workplace,
  { clients, betsOfEach }: ClientsCase,
  { firstAgency, port, data }: { firstAgency: number; port: number; data: string },
): Promise<ClientsRun> {
  const beginMs = performance.now();
  const programs = Array.from({ length: clients }, (_, index) =>
    workplace.start({
      args: [...CLIENT_PERMISSIONS, "client/main.ts"],
      env: {
        CLI_ID: String(firstAgency + index),
        CLI_SERVER_ADDRESS: `127.0.0.1:${port}`,
        CLI_DATA: data,
      },
      ready: /action: apuestas_enviadas \| result: success/,
    }));
  await Promise.all(programs.map((program) => program.ready));
  const seconds = (performance.now() - beginMs) / 1000;
  const cpuSeconds = cpuSecondsOf(programs);
  const peakBytes = peakBytesOf(programs);
  for (const program of programs) program.kill();
  await Promise.all(programs.map((program) => program.ended));
  const bets = clients * betsOfEach;
  return {
    betsPerSecond: bets / seconds,
    cpuSecondsPerMillion: cpuSeconds === undefined ? undefined : cpuSeconds / bets * 1e6,
    peakBytes,
  };
}
