/**
 * kill -9 to any server at any moment, again and again, under load.
 *
 * @module
 */

import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 3;
const AGENCIES = 5;
/** Batches that each agency may send between two kills. */
const BATCHES = 8;

/** Kills servers; agencies must go on with the others, and nothing may be lost or doubled. */
export async function kills({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const begin = performance.now();
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    sharedPort: seed % 2 === 0,
    unsafe,
  });
  const { cluster, random, history } = lottery;
  for (let kill = 0; kill < count; kill++) {
    lottery.grant(BATCHES);
    await lottery.acknowledged(random.integer(1, AGENCIES * BATCHES - AGENCIES));
    await lottery.jitter();
    const server = random.pick(cluster.servers);
    await server.process.kill();
    await server.start();
  }
  const faults = await lottery.finish();
  return {
    faults,
    figures: {
      kills: count,
      servers: SERVERS,
      agencies: AGENCIES,
      batches_acknowledged: history.stored.value,
      rounds_repaired: cluster.countLines(/action: repair \| result: success/),
      bytes: cluster.betsSize(),
      seconds: Math.round((performance.now() - begin) / 1000),
    },
  };
}
