/**
 * How fast our client programs send their files, from their start to the last answer.
 *
 * @module
 */

import { startClient } from "../testing/clients.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import type { Context } from "./context.ts";
import { MAIN_CASE } from "./intake.ts";
import { fasterFloor, type FloorKind, startFloor } from "./floors.ts";
import { appendBlocks, BLOCK_BETS, madeBets } from "./made_bets.ts";
import { type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { cpuSecondsOf, peakBytesOf, startLottery } from "./systems.ts";
import { takeTurn, type Turn, underLoad } from "./turns.ts";

const SENT_TIMEOUT_MS = 600_000;

/** How many clients run at once, how many bets each sends, and how often. */
export interface ClientsCase {
  clients: number;
  /** A multiple of {@linkcode BLOCK_BETS}. */
  betsOfEach: number;
  runs: number;
}

/** The figures of a case. */
export interface ClientsFigures extends ClientsCase {
  /** Of all clients together, from the start of the first to the last answer of the last. */
  betsPerSecond: Spread;
  /** The speed divided by that of the floor under the main load of the intake, in turn with the clients. */
  ratio: Spread;
  /** Of the clients; undefined where it is unknown. */
  cpuSecondsPerMillion?: Spread;
  /** Peak memory of the largest client; undefined where it is unknown. */
  peakBytes?: number;
}

interface ClientsRun {
  betsPerSecond: number;
  cpuSecondsPerMillion?: number;
  peakBytes?: number;
}

/** Measures one case: turns of the floor, and of the clients with a warm server. */
export async function measureClients(
  { folder: parent, thread, pace }: Context,
  clientsCase: ClientsCase,
): Promise<ClientsFigures> {
  const { clients, betsOfEach } = clientsCase;
  await using folder = tempFolder(parent);
  const data = `${folder.path}/agency.csv`;
  const lines = madeBets(BLOCK_BETS).map((fields) => `${fields.join(",")}\n`);
  appendBlocks(data, new TextEncoder().encode(lines.join("")), betsOfEach / BLOCK_BETS);
  const { connections } = MAIN_CASE;
  const agencies = connections + clientsCase.runs * clients;
  const startFloorOf = (kind: FloorKind) => startFloor({ kind, servers: 1, folder: folder.path });
  await using file = await startFloorOf("file");
  await using log = await startFloorOf("log");
  await using ours = await startLottery({ servers: 1, agencies, volume: folder.path });
  const load = { ...MAIN_CASE, firstAgency: 1 };
  const [fileFloor, logFloor, server] = [file, log, ours].map((system) =>
    underLoad(thread, system, load)
  );
  for (const { run } of [fileFloor, logFloor, server]) await run(pace.warmSeconds);
  const runs: ClientsRun[] = [];
  const floors: Record<FloorKind, Turn[]> = { file: [], log: [] };
  for (let run = 0; run < clientsCase.runs; run++) {
    floors.file.push(await takeTurn(fileFloor, pace.seconds));
    floors.log.push(await takeTurn(logFloor, pace.seconds));
    const firstAgency = connections + run * clients + 1;
    runs.push(await runClients(clientsCase, { firstAgency, port: ours.ports[0], data }));
  }
  const floor = floors[fasterFloor(floors)];
  return {
    ...clientsCase,
    betsPerSecond: spreadOf(runs.map((run) => run.betsPerSecond)),
    ratio: spreadOf(runs.map((run, at) => run.betsPerSecond / floor[at].betsPerSecond)),
    cpuSecondsPerMillion: spreadOfKnown(runs.map((run) => run.cpuSecondsPerMillion)),
    peakBytes: spreadOfKnown(runs.map((run) => run.peakBytes))?.max,
  };
}

/** Starts clients for agencies that have sent nothing yet, and kills them when they have sent everything. */
async function runClients(
  { clients, betsOfEach }: ClientsCase,
  { firstAgency, port, data }: { firstAgency: number; port: number; data: string },
): Promise<ClientsRun> {
  const beginMs = performance.now();
  const address = { hostname: LOOPBACK, port };
  await using stack = new AsyncDisposableStack();
  const programs = Array.from(
    { length: clients },
    (_, index) => stack.use(startClient({ agency: firstAgency + index, address, data })),
  );
  const sent = /action: apuestas_enviadas \| result: success/;
  await Promise.all(programs.map((program) => program.line(sent, SENT_TIMEOUT_MS)));
  const seconds = (performance.now() - beginMs) / 1000;
  const cpuSeconds = cpuSecondsOf(programs);
  const peakBytes = peakBytesOf(programs);
  await Promise.all(programs.map((program) => program.kill()));
  const bets = clients * betsOfEach;
  return {
    betsPerSecond: bets / seconds,
    cpuSecondsPerMillion: cpuSeconds === undefined ? undefined : cpuSeconds / bets * 1e6,
    peakBytes,
  };
}
