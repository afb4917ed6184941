/**
 * The network between a server and the nodes loses answers, or delivers answers and requests late.
 *
 * The simulation reorders every message of a model. Here the official client meets it on real
 * connections, with its own timeouts and reconnects; and a late request is truly stored late.
 *
 * @module
 */

import { LinkProxy } from "../../link_proxy.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { ProgressHabit } from "../../recording_agency.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const SERVERS = 2;
/** An agency gives up a server that waits for nodes, and asks the other one. */
const ANSWER_MS = 3000;

/** What happens to the link of one server. */
const LINK_FAULTS = ["lost answers", "late answers", "late requests", "cut"] as const;
/** One of {@linkcode LINK_FAULTS}. */
export type LinkFault = (typeof LINK_FAULTS)[number];

/** How long a fault lasts, in milliseconds: shorter and longer than an attempt of the server, which waits 2 s. */
const FAULT_MS: Record<LinkFault, [min: number, max: number]> = {
  "lost answers": [5, 300],
  "late answers": [500, 4000],
  "late requests": [1500, 6000],
  "cut": [0, 100],
};

/** Options of {@linkcode lostAnswers}. */
export interface LostAnswersOptions extends RunOptions {
  /** @default {LINK_FAULTS} */
  kinds?: readonly LinkFault[];
  /** @default {"asks"} */
  progress?: ProgressHabit;
  /** How long an agency waits for an answer, in milliseconds. @default {3000} */
  answerMs?: number;
  /** How long agencies may take to continue, in milliseconds. @default {60_000} */
  continueMs?: number;
}

/** Breaks the link of one of two servers `count` times. Each server reaches the nodes through proxies of its own. */
export async function lostAnswers(options: LostAnswersOptions): Promise<Verdict> {
  const { seed, count, unsafe, kinds = LINK_FAULTS, progress, answerMs = ANSWER_MS } = options;
  const { continueMs } = options;
  await using resources = new AsyncDisposableStack();
  /** The proxies of each server. */
  const links: LinkProxy[][] = [];
  const lottery = resources.use(
    await NodesLottery.start({
      seed,
      unsafe,
      progress,
      answerMs,
      continueMs,
      servers: SERVERS,
      reach: (nodes, server) => {
        links[server] ??= nodes.nodes.map(({ address }) => resources.use(new LinkProxy(address)));
        return links[server].map(({ address }) => address);
      },
    }),
  );
  for (let fault = 0; fault < count; fault++) {
    const kind = kinds[fault % kinds.length];
    const proxies = lottery.random.pick(links);
    const lastsMs = lottery.random.integer(...FAULT_MS[kind]);
    await lottery.round({
      breaks: async () => {
        for (const proxy of proxies) begin(proxy, kind);
        await new Promise((resolve) => setTimeout(resolve, lastsMs));
        for (const proxy of proxies) end(proxy, kind);
      },
      repairs: () => Promise.resolve(),
    });
  }
  const reconnects = lottery.lottery.cluster.countLines(/connection to the cluster is lost/);
  return await lottery.verdict({ count, reconnects });
}

function begin(proxy: LinkProxy, kind: LinkFault): void {
  if (kind === "lost answers") proxy.lose("node");
  else if (kind === "late answers") proxy.hold("node");
  else if (kind === "late requests") proxy.hold("server");
}

function end(proxy: LinkProxy, kind: LinkFault): void {
  if (kind === "lost answers" || kind === "cut") proxy.cut();
  proxy.release();
}
