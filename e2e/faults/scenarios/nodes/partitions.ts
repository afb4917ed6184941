/**
 * The network splits: the leader of a stream is cut off from the other nodes, with a server on its side.
 *
 * For some seconds the leader does not know that others elect another one. Nothing may be acknowledged on
 * its side, and no number of bets may be told that was true before the split.
 *
 * @module
 */

import { Hosts } from "../../../../testing/hosts.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

/** Each has a node and a server. */
const HOSTS = 3;
/** An agency leaves a server without an answer for another one. */
const ANSWER_MS = 1500;

/** Cuts the leader's host off the others, `count` times. Agencies reach all servers throughout. */
export async function partitions({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using hosts = new Hosts(HOSTS);
  await using lottery = await NodesLottery.start({
    seed,
    unsafe,
    hosts,
    servers: HOSTS,
    answerMs: ANSWER_MS,
    cluster: {
      hostnames: hosts.hosts.map(({ nodesIp }) => nodesIp),
      adapt: (program, index) => hosts.on(hosts.hosts[index], program),
    },
  });
  const { nodes } = lottery.nodes;
  for (let split = 0; split < count; split++) {
    const host = hosts.hosts[nodes.indexOf(await lottery.leader())];
    await lottery.round({
      breaks: () => {
        hosts.cut(host);
        // Agencies that are with the server on that side stay there until it does not answer.
        lottery.lottery.hangUp();
        return Promise.resolve();
      },
      repairs: () => Promise.resolve(hosts.join(host)),
    });
  }
  return await lottery.verdict({ count });
}
