/**
 * The ledger on files and on JetStream side by side, under the same load in turns, compared with publishing
 * the same bytes without a condition, by senders and by a server, and with one fdatasync per batch.
 *
 * @module
 */

import type { NatsServer } from "../tools/nodes/nats_server.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import type { Context } from "./context.ts";
import { startPublishFloor } from "./floors.ts";
import { MAIN_CASE } from "./intake.ts";
import { settingsFor, startCluster } from "./ledger_cluster.ts";
import type { LoadResult } from "./load_worker.ts";
import { PublishThread } from "./load_thread.ts";
import type { PublishOrder } from "./publish_load.ts";
import { madeBatches } from "./made_bets.ts";
import { quantilesOf, type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { peakBytesOf, startLottery } from "./systems.ts";
import { type Contestant, speedRatio, takeTurns, type Turn, underLoad } from "./turns.ts";

const { betsMax: BATCH_BETS } = MAIN_CASE;
/** Turns are longer than those of other sections: a batch takes up to a tenth of a second. */
const TURNS_LONGER = 2.5;
const SYNCED_BATCHES = 16;

/** How many agencies send, to nodes of which version. */
export interface LedgersCase {
  nats: NatsServer;
  agencies: number;
}

/** The figures of one ledger, or of one of the floors. */
export interface LedgerFigures {
  /** The version of the nodes. */
  nats: string;
  agencies: number;
  what: string;
  betsPerSecond: Spread;
  /** The speed divided by that of publishing without a condition, turn by turn. */
  ofPublish: Spread;
  /** The same for a floor that takes the bytes over TCP, as a server does. */
  ofServer: Spread;
  /** The speed divided by that of one fdatasync per batch, turn by turn. */
  ofSync: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  /** Processor time of the server, without the nodes; undefined where it is unknown, and without a server. */
  cpuSecondsPerMillion?: Spread;
  /** Peak memory of the server; undefined where it is unknown, and without a server. */
  peakBytes?: number;
}

/** A ledger, or a floor. */
interface NamedContestant extends Contestant {
  what: string;
}

/** Measures one case. */
export async function measureLedgers(
  context: Context,
  { nats, agencies }: LedgersCase,
): Promise<LedgerFigures[]> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(tempFolder(context.folder));
  const cluster = stack.use(await startCluster(folder, nats.path));
  const files = stack.use(await startLottery({ servers: 1, agencies, volume: folder }));
  const jetStream = stack.use(
    await startLottery({ servers: 1, agencies, volume: folder, cluster }),
  );
  const publishServer = stack.use(await startPublishFloor(cluster, BATCH_BETS));
  const publishThread = stack.use(new PublishThread());
  const load = { ...MAIN_CASE, connections: agencies, firstAgency: 1 };
  const settings = settingsFor(cluster);
  const publishes = (to: PublishOrder["to"]) => (seconds: number) =>
    publishThread.run({ to, settings, senders: agencies, bets: BATCH_BETS, seconds });
  const contestants: NamedContestant[] = [
    {
      what: "one fdatasync per batch",
      run: (seconds) => Promise.resolve(syncBatches(`${folder}/synced.csv`, seconds)),
    },
    {
      what: "publish without condition",
      run: publishes("streams"),
    },
    { what: "the same by a server", ...underLoad(context.thread, publishServer, load) },
    { what: "files", ...underLoad(context.thread, files, load) },
    { what: "JetStream", ...underLoad(context.thread, jetStream, load) },
    { what: "JetStream, no server", run: publishes("ledger") },
  ];
  const { runs, seconds, warmSeconds } = context.pace;
  const turns = await takeTurns(contestants, {
    runs,
    seconds: seconds * TURNS_LONGER,
    warmSeconds: warmSeconds * TURNS_LONGER,
  });
  const [sync, publish, server] = turns;
  return contestants.map(({ what, system }, at) => ({
    nats: nats.version,
    agencies,
    what,
    ...figuresOf(turns[at], { sync, publish, server }),
    peakBytes: system && peakBytesOf(system.processes),
  }));
}

function figuresOf(
  turns: readonly Turn[],
  { sync, publish, server }: Record<"sync" | "publish" | "server", readonly Turn[]>,
) {
  return {
    betsPerSecond: spreadOf(turns.map((turn) => turn.betsPerSecond)),
    ofPublish: speedRatio(turns, publish),
    ofServer: speedRatio(turns, server),
    ofSync: speedRatio(turns, sync),
    p50Ms: spreadOf(turns.map((turn) => turn.p50Ms)),
    p99Ms: spreadOf(turns.map((turn) => turn.p99Ms)),
    cpuSecondsPerMillion: spreadOfKnown(turns.map((turn) => turn.cpuSecondsPerMillion)),
  };
}

/** Appends batches to a file, each with a sync of its own. */
function syncBatches(path: string, forSeconds: number): LoadResult {
  const batches = madeBatches(1, { batches: SYNCED_BATCHES, bets: BATCH_BETS });
  using file = Deno.openSync(path, { append: true, create: true });
  const timesMs: number[] = [];
  const beginMs = performance.now();
  let nowMs = beginMs;
  while (nowMs - beginMs < 1000 * forSeconds) {
    const batch = batches[timesMs.length % SYNCED_BATCHES];
    for (let at = 0; at < batch.length;) at += file.writeSync(batch.subarray(at));
    file.syncDataSync();
    const endMs = performance.now();
    timesMs.push(endMs - nowMs);
    nowMs = endMs;
  }
  const bets = timesMs.length * BATCH_BETS;
  return { bets, seconds: (nowMs - beginMs) / 1000, ...quantilesOf(timesMs) };
}
