/**
 * kill -9 to any server at any moment, under load.
 *
 * The memory disk and the simulation kill servers at every operation, but both model what a dead
 * process leaves behind. Only this run has the kernel decide it: which bytes of a write stay, when
 * the lock is freed, what becomes of connections and of the port. Kills at random moments seldom
 * tear a write, so with ports of their own the first kill always does.
 *
 * @module
 */

import type { Random } from "../../../testing/random.ts";
import type { FaultCluster } from "../fault_cluster.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 3;
const AGENCIES = 5;
/** Batches that each agency may send between two kills. */
const BATCHES = 8;
/** The write to bets.csv in which the first server is killed. */
const TORN_WRITE = 3;

/** Kills servers; agencies must continue with the others, and nothing may be lost or stored twice. */
export async function kills({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const begin = performance.now();
  const sharedPort = seed % 2 === 0;
  const tear = { faults: [`stop-mid-write:${TORN_WRITE}`], address: firstServerFirst };
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    sharedPort,
    unsafe,
    ...sharedPort ? {} : tear,
  });
  const { cluster, history } = lottery;
  for (let kill = 1; kill <= count; kill++) {
    if (kill === 1 && !sharedPort) await killWithinWrite(lottery);
    else await killAtRandom(lottery);
  }
  const faults = await lottery.finish();
  const repaired = cluster.countLines(/action: repair \| result: success/);
  if (!sharedPort && repaired === 0) {
    faults.push({ kind: "unfinished", detail: "no write was torn: the run tests too little" });
  }
  return {
    faults,
    figures: {
      count,
      servers: SERVERS,
      agencies: AGENCIES,
      batches_acknowledged: history.stored.value,
      rounds_repaired: repaired,
      bytes: cluster.betsSize(),
      seconds: Math.round((performance.now() - begin) / 1000),
    },
  };
}

/** Directs every agency to the first server until that one has been killed; then to any. */
function firstServerFirst({ servers }: FaultCluster, random: Random) {
  const [first] = servers;
  const isBeforeKill = first.processes.length === 1 && first.process.isRunning;
  return (isBeforeKill ? first : random.pick(servers)).address;
}

/**
 * Kills the first server in the middle of a write, while it holds the lock. The others must continue.
 */
async function killWithinWrite(lottery: Lottery): Promise<void> {
  const [first] = lottery.cluster.servers;
  lottery.grant(BATCHES);
  await first.process.line(/action: stop \| result: success/);
  await first.process.kill();
  await lottery.acknowledged(AGENCIES);
  await first.start();
}

async function killAtRandom(lottery: Lottery): Promise<void> {
  const { cluster, random } = lottery;
  lottery.grant(BATCHES);
  await lottery.acknowledged(random.integer(1, AGENCIES * BATCHES - AGENCIES));
  await lottery.jitter();
  const server = random.pick(cluster.servers);
  await server.process.kill();
  await server.start();
}
