/**
 * The network between a server and the nodes loses answers, or delivers answers and requests late.
 *
 * The simulation reorders every message of a model. Here the official client meets it on real
 * connections, with its own timeouts and reconnects; and a late request is truly stored late.
 *
 * @module
 */

import { AppendWatch } from "../../append_watch.ts";
import { LinkProxy } from "../../link_proxy.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { ProgressHabit } from "../../recording_agency.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const SERVERS = 2;
/** An agency gives up a server that waits for nodes, and asks the other one. */
const ANSWER_MS = 3000;

/** Longest wait for bets whose acknowledgement can be lost. */
const LOSS_TIMEOUT_MS = 30_000;
const POLL_MS = 5;

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

/** How a server reaches the nodes: a proxy for each. */
interface Link {
  proxy: LinkProxy;
  watch: AppendWatch;
}

/**
 * Breaks the link of one of two servers `count` times. Each server reaches the nodes through proxies of its own. Answers
 * are lost until one of them has acknowledged bets.
 */
export async function lostAnswers(options: LostAnswersOptions): Promise<Verdict> {
  const { seed, count, unsafe, kinds = LINK_FAULTS, progress, answerMs = ANSWER_MS } = options;
  const { continueMs } = options;
  await using resources = new AsyncDisposableStack();
  /** By server. */
  const links: Link[][] = [];
  const lottery = resources.use(
    await NodesLottery.start({
      seed,
      unsafe,
      progress,
      answerMs,
      continueMs,
      servers: SERVERS,
      reach: (nodes, server) => {
        links[server] ??= nodes.nodes.map(({ address }) => {
          const watch = new AppendWatch();
          const proxy = new LinkProxy(address, (...seen) => watch.note(...seen));
          return { watch, proxy: resources.use(proxy) };
        });
        return links[server].map(({ proxy }) => proxy.address);
      },
    }),
  );
  for (let fault = 0; fault < count; fault++) {
    const kind = kinds[fault % kinds.length];
    const picked = lottery.random.pick(links);
    const lastsMs = lottery.random.integer(...FAULT_MS[kind]);
    await lottery.round({
      breaks: async () => {
        const link = kind === "lost answers" ? await nextThatAppends(links) : picked;
        const before = lost(link);
        for (const { proxy } of link) begin(proxy, kind);
        await new Promise((resolve) => setTimeout(resolve, lastsMs));
        if (kind === "lost answers") await until(() => lost(link) > before);
        for (const { proxy } of link) end(proxy, kind);
      },
      repairs: () => Promise.resolve(),
    });
  }
  const reconnects = lottery.lottery.cluster.countLines(/connection to the cluster is lost/);
  return await lottery.verdict({ count, reconnects });
}

/** Waits until a server appends bets: agencies may all have gone to the other one. */
async function nextThatAppends(links: readonly Link[][]): Promise<Link[]> {
  const appends = (link: Link[]) => link.reduce((sum, { watch }) => sum + watch.appends, 0);
  const before = links.map(appends);
  let next: Link[] | undefined;
  await until(() => (next = links.find((link, at) => appends(link) > before[at])) !== undefined);
  return next!;
}

/** How many acknowledgements of bets were lost on the way to a server. */
function lost(link: readonly Link[]): number {
  return link.reduce((sum, { watch }) => sum + watch.lost, 0);
}

/** @throws {Error} If it is not so in time: then this run shows nothing. */
async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + LOSS_TIMEOUT_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error("No acknowledgement of bets could be lost");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
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
