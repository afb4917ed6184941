/**
 * Nodes of the cluster die or stand still: kill -9 and SIGSTOP, to the leader of a stream or to
 * another node, and to a majority.
 *
 * The simulation does the same to a model of the cluster. Only here do real elections decide how
 * long agencies wait, and a real Raft log what a dead node remembers.
 *
 * @module
 */

import type { NatsNode } from "../../../../testing/nats_node.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

/** How long agencies must not get an answer while there is no majority. */
const SILENCE_MS = 3000;

/** Kills the leader of a stream, `count` times. */
export function leaderKills(options: RunOptions): Promise<Verdict> {
  return killNodes(options, (lottery) => lottery.leader());
}

/** Kills a node that does not lead some stream, `count` times. */
export function followerKills(options: RunOptions): Promise<Verdict> {
  return killNodes(options, (lottery) => lottery.follower());
}

/** Stops the leader of a stream with SIGSTOP; it continues after another one was elected. */
export async function leaderStops({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using lottery = await NodesLottery.start({ seed, unsafe });
  for (let stop = 0; stop < count; stop++) {
    const leader = await lottery.leader();
    await lottery.round({
      breaks: () => Promise.resolve(leader.pause()),
      repairs: () => Promise.resolve(leader.resume()),
    });
  }
  return await lottery.verdict({ count });
}

/** Kills two of three nodes: nothing may be acknowledged until one of them is back. */
export async function majorityLosses({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using lottery = await NodesLottery.start({ seed, unsafe });
  const { nodes, lottery: { history } } = lottery;
  let early = 0;
  for (let loss = 0; loss < count; loss++) {
    const survivor = lottery.random.pick(nodes.nodes);
    const dying = nodes.nodes.filter((node) => node !== survivor);
    await lottery.round({
      isTotal: true,
      breaks: async () => {
        await Promise.all(dying.map((node) => node.kill()));
        // Answers that were under way have arrived by now.
        await new Promise((resolve) => setTimeout(resolve, SILENCE_MS / 10));
        const before = history.stored.value;
        await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
        early += history.stored.value - before;
      },
      repairs: () => nodes.startAll(),
    });
  }
  const verdict = await lottery.verdict({ count });
  if (early > 0) {
    const detail = `${early} batches were acknowledged without a majority`;
    verdict.faults.push({ kind: "lost", detail });
  }
  return verdict;
}

async function killNodes(
  { seed, count, unsafe }: RunOptions,
  choose: (lottery: NodesLottery) => Promise<NatsNode>,
): Promise<Verdict> {
  await using lottery = await NodesLottery.start({ seed, unsafe });
  for (let kill = 0; kill < count; kill++) {
    const node = await choose(lottery);
    await lottery.round({ breaks: () => node.kill(), repairs: () => node.start() });
  }
  return await lottery.verdict({ count });
}
