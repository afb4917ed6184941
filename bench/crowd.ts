/**
 * A whole lottery of as many agencies as there may be, on many servers and three nodes: every agency connects,
 * stores its bets, closes, and stays connected until it knows its winners.
 *
 * @module
 */

import { Turns } from "../server/ledger/jetstream/turns.ts";
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
/**
 * How many agencies connect, store or close at a time. If all did so in the same second, most would wait for
 * longer than a server tries.
 */
const BUSY_MAX = 500;
/** All connections come from this machine, and most of them wait for most of the time. */
const ROOM = {
  SERVER_MAX_CONNECTIONS: "2000",
  SERVER_MAX_CONNECTIONS_PER_ADDRESS: "2000",
  SERVER_IDLE_SECONDS: "600",
};

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
  /** From the first connection to the last answer to a batch. */
  storeSeconds: number;
  /** Batches a second. */
  batchesPerSecond: number;
  /** From the last answer to a batch to the last WinnersResponse. */
  drawSeconds: number;
  /** Peak memory of the largest server and of the largest node; undefined where it is unknown. */
  serverPeakBytes?: number;
  nodePeakBytes?: number;
}

/** An agency that is connected. */
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
  await using system = await startLottery({
    servers,
    agencies,
    volume: folder.path,
    cluster,
    env: ROOM,
  });
  const storeMs = performance.now();
  using stack = new DisposableStack();
  const numbers = Array.from({ length: agencies }, (_, index) => index + 1);
  const connected = await eachBusy(numbers, async (agency) => {
    const port = system.ports[agency % servers];
    const connection = await LineConnection.open({ hostname: LOOPBACK, port });
    return { connection: stack.use(connection), agency };
  });
  const batch = batchOf(crowd);
  await eachBusy(connected, (one) => storeBets(one, { batch: batch.fields, batches }));
  const drawMs = performance.now();
  await eachBusy(connected, close);
  const winners = await Promise.all(connected.map(learnWinners));
  const endMs = performance.now();
  const expected = batch.winners * agencies * batches;
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

/** Does something for each agency, for a limited number of them at a time. Returns the results in order. */
async function eachBusy<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const turns = new Turns(BUSY_MAX);
  return await Promise.all(items.map((item) => turns.run(() => work(item))));
}

async function storeBets(
  { connection, agency }: Agency,
  { batch, batches }: { batch: string; batches: number },
): Promise<void> {
  for (let stored = 0; stored < batches; stored++) {
    const answer = await connection.ask(`StoreBatch:${agency};${batch}\n`, TIMEOUT_MS);
    if (answer !== "StoreResponse:0") {
      throw new Error(`Cannot measure: a server answered ${JSON.stringify(answer)}`);
    }
  }
}

/** Closes an agency. AgencyClose has no answer, but the next packet has. */
async function close({ connection, agency }: Agency): Promise<void> {
  await connection.ask(`AgencyClose:${agency}\nProgressRequest:${agency}\n`, TIMEOUT_MS);
}

/** Waits for the draw. Returns the number of an agency's winners. */
async function learnWinners({ connection, agency }: Agency): Promise<number> {
  return countWinners(await connection.ask(`WinnersRequest:${agency}\n`, TIMEOUT_MS));
}

/** The batch that every agency sends: one of its bets wins. */
function batchOf({ bets }: Pick<CrowdCase, "bets">): { fields: string; winners: number } {
  const made = madeBets(bets);
  made[0][4] = String(WINNING_NUMBER);
  const winners = made.filter(([, , , , number]) => number === String(WINNING_NUMBER)).length;
  return { fields: made.map((fields) => fields.join(";")).join(":"), winners };
}
