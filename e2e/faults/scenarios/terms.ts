/**
 * SIGTERM to one server after the other under load: each ends well and in time, and the agencies go on
 * with the others. With as many as there are servers, it is a rolling restart.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { terminate } from "../fault_cluster.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 3;
const AGENCIES = 5;
const BATCHES = 10;
const BATCHES_MEANWHILE = 10;
/** The promise. */
const END_MS_MAX = 2000;

/** Restarts servers one by one. */
export async function terms({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const options = { seed, servers: SERVERS, agencies: AGENCIES, unsafe };
  await using lottery = await Lottery.start(options);
  const { cluster, random, history } = lottery;
  const badEnds: Fault[] = [];
  let longestMs = 0;
  for (let term = 0; term < count; term++) {
    lottery.grant(BATCHES);
    await lottery.acknowledged(random.integer(1, BATCHES * AGENCIES - 2 * BATCHES_MEANWHILE));
    const server = cluster.servers[term % SERVERS];
    const ended = terminate(server.process);
    await lottery.acknowledged(BATCHES_MEANWHILE);
    const { code, tookMs } = await ended;
    longestMs = Math.max(longestMs, tookMs);
    if (code !== 0 || tookMs > END_MS_MAX) {
      const how = `${server.name} ended with ${code} after ${Math.round(tookMs)} ms`;
      badEnds.push({ kind: "bad end", detail: `${how}:\n${server.process.tail()}` });
    }
    await server.start();
  }
  const faults = await lottery.finish();
  return {
    faults: [...faults, ...badEnds],
    figures: {
      restarts: count,
      batches_acknowledged: history.stored.value,
      longest_end_ms: Math.round(longestMs),
    },
  };
}
