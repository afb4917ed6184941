/**
 * A whole lottery of as many agencies as there may be, on many servers and three nodes: every agency stores
 * its bets, closes, and waits for its winners, all of them at once.
 *
 * @module
 */

import { LineConnection } from "../testing/line_connection.ts";
import { LOOPBACK, WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import type { NatsServer } from "../tools/nodes/nats_server.ts";
import type { Context } from "./context.ts";
import { countWinners } from "./draw.ts";
import { startCluster } from "./ledger_cluster.ts";
import { madeBets } from "./made_bets.ts";
import { peakBytesOf, startLottery } from "./systems.ts";

const TIMEOUT_MS = 300_000;
/** How many agencies connect at a time: a server accepts as many as its backlog holds. */
const ARRIVALS = 500;
/** Each server may have all connections that come from this machine. */
const PLACES = "2000";

/** How many agencies bet on how many servers. */
export interface CrowdCase {
  nats: NatsServer;
  agencies: number;
  servers: number;
  /** Batches of each agency, and bets in a batch. */
  batches: number;
  bets: number;
}

/** The figures of a crowd. One run. */
export interface CrowdFigures extends Omit<CrowdCase, "nats"> {
  nats: string;
  /** From the start of the first server until all listen. */
  startSeconds: number;
  /** From the first packet to the last answer to a batch. */
  storeSeconds: number;
  /** Batches a second. */
  batchesPerSecond: number;
  /** From the last answer to a batch to the last WinnersResponse. */
  drawSeconds: number;
  /** Peak memory of the largest server and of the largest node; undefined where it is unknown. */
  serverPeakBytes?: number;
  nodePeakBytes?: number;
}

/** An agency that has stored its bets. */
interface Agency {
  connection: LineConnection;
  agency: number;
}

/** Measures one case. Fails unless every winner is announced to its agency. */
export async function measureCrowd(
  { folder: parent }: Context,
  { nats, ...crowd }: CrowdCase,
): Promise<CrowdFigures> {
  const { agencies, servers, batches } = crowd;
  await using folder = tempFolder(parent);
  await using cluster = await startCluster(folder.path, nats.path);
  const startMs = performance.now();
  const env = { SERVER_MAX_CONNECTIONS: PLACES, SERVER_MAX_CONNECTIONS_PER_ADDRESS: PLACES };
  await using system = await startLottery({
    servers,
    agencies,
    volume: folder.path,
    cluster,
    env,
  });
  const storeMs = performance.now();
  using stack = new DisposableStack();
  const crowded = await storeAll(system.ports, crowd, stack);
  const drawMs = performance.now();
  const winners = await Promise.all(crowded.map(learnWinners));
  const endMs = performance.now();
  const expected = batchOf(crowd).winners * agencies * batches;
  const announced = winners.reduce((sum, count) => sum + count, 0);
  if (announced !== expected) {
    throw new Error(`Cannot measure: ${announced} winners, not ${expected}`);
  }
  return {
    nats: nats.version,
    ...crowd,
    startSeconds: (storeMs - startMs) / 1000,
    storeSeconds: (drawMs - storeMs) / 1000,
    batchesPerSecond: agencies * batches / (drawMs - storeMs) * 1000,
    drawSeconds: (endMs - drawMs) / 1000,
    serverPeakBytes: peakBytesOf(system.processes),
    nodePeakBytes: peakBytesOf(cluster.nodes.map(({ process }) => process!)),
  };
}

/** Connects all agencies, distributed over the servers, and stores their bets. */
async function storeAll(
  ports: readonly number[],
  { agencies, batches, bets }: Omit<CrowdCase, "nats">,
  stack: DisposableStack,
): Promise<Agency[]> {
  const connected: Agency[] = [];
  while (connected.length < agencies) {
    const count = Math.min(ARRIVALS, agencies - connected.length);
    const arrivals = Array.from({ length: count }, async (_, index) => {
      const agency = connected.length + index + 1;
      const port = ports[agency % ports.length];
      return { connection: await LineConnection.open({ hostname: LOOPBACK, port }), agency };
    });
    connected.push(...await Promise.all(arrivals));
  }
  for (const { connection } of connected) stack.use(connection);
  const { fields } = batchOf({ bets });
  await Promise.all(connected.map(async ({ connection, agency }) => {
    for (let batch = 0; batch < batches; batch++) {
      const answer = await connection.ask(`StoreBatch:${agency};${fields}\n`, TIMEOUT_MS);
      if (answer !== "StoreResponse:0") {
        throw new Error(`Cannot measure: a server answered ${JSON.stringify(answer)}`);
      }
    }
  }));
  return connected;
}

/** Closes an agency, and waits for the draw. Returns the number of its winners. */
async function learnWinners({ connection, agency }: Agency): Promise<number> {
  const packets = `AgencyClose:${agency}\nWinnersRequest:${agency}\n`;
  return countWinners(await connection.ask(packets, TIMEOUT_MS));
}

/** The batch that every agency sends: one of its bets wins. */
function batchOf({ bets }: Pick<CrowdCase, "bets">): { fields: string; winners: number } {
  const made = madeBets(bets);
  made[0][4] = String(WINNING_NUMBER);
  const winners = made.filter(([, , , , number]) => number === String(WINNING_NUMBER)).length;
  return { fields: made.map((fields) => fields.join(";")).join(":"), winners };
}
