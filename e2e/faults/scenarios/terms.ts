/**
 * SIGTERM to one server after another under load: each exits cleanly and in time, and the agencies
 * continue with the others. With at least as many signals as servers, this is a rolling restart.
 *
 * server_test.ts stops a server by a call. Only here does the real signal end the real program,
 * which must find its exit code and leave a port that can be reused at once.
 *
 * @module
 */

import type { Fault } from "../fault.ts";
import { terminate } from "../fault_cluster.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 3;
const AGENCIES = 5;
const BATCHES = 10;
const BATCHES_MEANWHILE = 10;
/** The promised limit. */
const EXIT_MS_MAX = 2000;

/** Restarts servers one at a time. */
export async function terms({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const options = { seed, servers: SERVERS, agencies: AGENCIES, unsafe };
  await using lottery = await Lottery.start(options);
  const { cluster, random, history } = lottery;
  const badExits: Fault[] = [];
  let longestMs = 0;
  for (let term = 0; term < count; term++) {
    lottery.grant(BATCHES);
    await lottery.acknowledged(random.integer(1, BATCHES * AGENCIES - 2 * BATCHES_MEANWHILE));
    const server = cluster.servers[term % SERVERS];
    const ended = terminate(server.process);
    await lottery.acknowledged(BATCHES_MEANWHILE);
    const { code, tookMs } = await ended;
    longestMs = Math.max(longestMs, tookMs);
    if (code !== 0 || tookMs > EXIT_MS_MAX) {
      const how = `${server.name} exited with ${code} after ${Math.round(tookMs)} ms`;
      badExits.push({ kind: "bad exit", detail: `${how}:\n${server.process.tail()}` });
    }
    await server.start();
  }
  const faults = await lottery.finish();
  return {
    faults: [...faults, ...badExits],
    figures: {
      restarts: count,
      batches_acknowledged: history.stored.value,
      longest_exit_ms: Math.round(longestMs),
    },
  };
}
