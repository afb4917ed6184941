/**
 * kill -9 to servers whose ledger is on nodes, with messages under way.
 *
 * A dead server leaves nothing behind: no lock, no file. What it had sent may still be stored, after its
 * agency has moved to another server.
 *
 * @module
 */

import { NodesLottery } from "../../nodes_lottery.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const SERVERS = 3;
/** Each Nth kill hits all servers. */
const ALL_EVERY = 4;

/** Kills one of three servers, or all, `count` times. */
export async function nodeServerKills({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  // Without pauses there is always a message under way.
  await using lottery = await NodesLottery.start({ seed, unsafe, servers: SERVERS, pauseMs: 0 });
  const { servers } = lottery.lottery.cluster;
  for (let kill = 1; kill <= count; kill++) {
    const isTotal = kill % ALL_EVERY === 0;
    const hit = isTotal ? servers : [lottery.random.pick(servers)];
    await lottery.round({
      isTotal,
      breaks: async () => {
        await Promise.all(hit.map(({ process }) => process.kill()));
      },
      repairs: async () => {
        await Promise.all(hit.map((server) => server.start()));
      },
    });
  }
  return await lottery.verdict({ count });
}
