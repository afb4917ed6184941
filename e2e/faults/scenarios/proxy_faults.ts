/**
 * Connections that break at every point of a request and its answer.
 *
 * The simulation breaks connections too, between our own agency and servers. Only this run uses
 * real sockets, with orderly ends, resets and silence, and an agency that shares no code with the
 * client.
 *
 * @module
 */

import { Lottery } from "../lottery.ts";
import { PROXY_FAULTS, type ProxyFault } from "../passage.ts";
import { Proxy } from "../proxy.ts";
import type { ProgressHabit } from "../recording_agency.ts";
import { Random } from "../../../testing/random.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 3;
const BATCHES = 10;
const ANSWER_MS = 400;
/** With this many connections for each fault, every fault must have struck. */
const MANY = 10;

/** Options of {@linkcode proxyFaults}. */
export interface ProxyFaultsOptions extends RunOptions {
  /** @default {PROXY_FAULTS} */
  kinds?: readonly ProxyFault[];
  /** @default {"asks"} */
  progress?: ProgressHabit;
}

/** Breaks `count` connections. */
export async function proxyFaults(options: ProxyFaultsOptions): Promise<Verdict> {
  const { seed, count, unsafe, kinds = PROXY_FAULTS, progress } = options;
  const random = new Random(seed);
  await using resources = new AsyncDisposableStack();
  let proxy: Proxy | undefined;
  let planned = 0;
  const lottery = resources.use(
    await Lottery.start({
      seed,
      servers: SERVERS,
      agencies: AGENCIES,
      answerMs: ANSWER_MS,
      unsafe,
      progress,
      address: (cluster) => {
        proxy ??= resources.use(
          new Proxy({
            random,
            target: () => random.pick(cluster.servers).address,
            fault: () => proxy!.struck.value < count ? kinds[planned++ % kinds.length] : undefined,
          }),
        );
        return proxy.address;
      },
    }),
  );
  while (proxy === undefined || proxy.struck.value < count) {
    lottery.grant(BATCHES);
    await lottery.acknowledged(AGENCIES * BATCHES);
  }
  const faults = await lottery.finish();
  const struck = kinds.map((kind) => [kind, proxy!.struckBy.get(kind)!.value] as const);
  for (const [kind, times] of struck) {
    if (times > 0 || count < MANY * kinds.length) continue;
    faults.push({
      kind: "unfinished",
      detail: `"${kind}" did not strike: the run tests too little`,
    });
  }
  const batches = lottery.history.stored.value;
  return { faults, figures: { ...Object.fromEntries(struck), batches_acknowledged: batches } };
}
