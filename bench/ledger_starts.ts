/**
 * How soon a server on JetStream answers after its start, and how soon it knows the winners of all bets that
 * the streams hold.
 *
 * @module
 */

import { openJetStreamLedger } from "../server/ledger/jetstream/engine.ts";
import { openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { LineConnection } from "../testing/line_connection.ts";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import type { NatsCluster } from "../testing/nats_cluster.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import type { NatsServer } from "../tools/nodes/nats_server.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import type { Context } from "./context.ts";
import { countWinners } from "./draw.ts";
import { settingsFor, startCluster } from "./ledger_cluster.ts";
import { madeBatches } from "./made_bets.ts";
import { AGENCIES } from "./prepared_volume.ts";
import { type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { peakBytesOf, startLottery } from "./systems.ts";

/** What our client sends by default: the bets that fit into 8 KiB. */
const BATCH_BETS = 170;
const WINNING_ROW = new RegExp(`,${WINNING_NUMBER}$`, "gm");
const TIMEOUT_MS = 120_000;

/** What the streams hold, on nodes of which version. */
export interface LedgerStartsCase {
  nats: NatsServer;
  /** About as many bets; those of a batch more or less. */
  bets: number;
}

/** The figures of several starts. */
export interface LedgerStartsFigures {
  nats: string;
  bets: number;
  /** From the start of the process to the answer to a ProgressRequest. */
  answerMs: Spread;
  /** From the start of the process to the first WinnersResponse. */
  winnersMs: Spread;
  /** Peak memory of the server that replays all bets; undefined where it is unknown. */
  peakBytes?: number;
}

/** What one start has shown. */
interface Start {
  ms: number;
  winners: number;
  peakBytes?: number;
}

/** Measures one case: first while the agencies are open, then after all of them have closed. */
export async function measureLedgerStarts(
  { folder: parent, pace }: Context,
  { nats, bets: wanted }: LedgerStartsCase,
): Promise<LedgerStartsFigures> {
  await using folder = tempFolder(parent);
  await using cluster = await startCluster(folder.path, nats.path);
  await using ledger = await openJetStreamLedger({
    settings: settingsFor(cluster),
    draw: { agencies: AGENCIES, winningNumber: WINNING_NUMBER },
    log: openLog({ levels: SERVER_LEVELS, level: "ERROR", sink: console.error }),
  });
  const agencies = Array.from({ length: AGENCIES }, (_, index) => index + 1);
  const batches = Math.round(wanted / AGENCIES / BATCH_BETS);
  const filled = await Promise.all(agencies.map(async (agency) => {
    const [rows] = madeBatches(agency, { batches: 1, bets: BATCH_BETS });
    for (let batch = 0; batch < batches; batch++) {
      const result = await ledger.append({ agency, count: BATCH_BETS, bytes: rows });
      if (result.status !== "stored") throw new Error(`Cannot measure: ${result.reason}`);
    }
    return batches * (new TextDecoder().decode(rows).match(WINNING_ROW)?.length ?? 0);
  }));
  const winners = filled.reduce((sum, count) => sum + count, 0);
  const start = async (packet: string) => {
    const starts: Start[] = [];
    for (let run = 0; run < pace.runs; run++) starts.push(await timeStart(cluster, packet));
    return starts;
  };
  const answered = await start("ProgressRequest");
  await Promise.all(agencies.map((agency) => ledger.close(agency)));
  const drawn = await start("WinnersRequest");
  const lost = drawn.find((start) => start.winners !== winners);
  if (lost) throw new Error(`Cannot measure: ${lost.winners} winners, not ${winners}`);
  return {
    nats: nats.version,
    bets: AGENCIES * batches * BATCH_BETS,
    answerMs: spreadOf(answered.map(({ ms }) => ms)),
    winnersMs: spreadOf(drawn.map(({ ms }) => ms)),
    peakBytes: spreadOfKnown(drawn.map(({ peakBytes }) => peakBytes))?.max,
  };
}

/** Starts a server, and asks it a question for each agency; the time is that of the first answer. */
async function timeStart(cluster: NatsCluster, packet: string): Promise<Start> {
  await using folder = tempFolder();
  const beginMs = performance.now();
  await using server = await startLottery({
    servers: 1,
    agencies: AGENCIES,
    volume: folder.path,
    cluster,
  });
  using connection = await LineConnection.open({ hostname: LOOPBACK, port: server.ports[0] });
  let winners = countWinners(await connection.ask(`${packet}:1\n`, TIMEOUT_MS));
  const ms = performance.now() - beginMs;
  for (let agency = 2; agency <= AGENCIES; agency++) {
    winners += countWinners(await connection.ask(`${packet}:${agency}\n`, TIMEOUT_MS));
  }
  return { ms, winners, peakBytes: peakBytesOf(server.processes) };
}
