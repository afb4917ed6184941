/**
 * The network splits: the leader of a stream is cut off from the other nodes, with a server on its side.
 *
 * For some seconds the leader does not know that others elect another one. Nothing may be acknowledged on
 * its side, and no number of bets may be told that was true before the split: an agency that believed it
 * would send again what is stored. So the server is asked once the others have stored more.
 *
 * @module
 */

import { Hosts } from "../../../../testing/hosts.ts";
import { LineConnection } from "../../../../testing/line_connection.ts";
import type { Address } from "../../../../testing/ports.ts";
import type { Fault } from "../../fault.ts";
import type { Lottery } from "../../lottery.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

/** Each has a node and a server. */
const HOSTS = 3;
/** An agency leaves a server without an answer for another one. */
const ANSWER_MS = 1500;
/** Longest wait for the server that is cut off, which must not answer, and for one that must. */
const CUT_OFF_MS = 3000;
const JOINED_MS = 10_000;

/** Options of {@linkcode partitions}. */
export interface PartitionsOptions extends RunOptions {
  /**
   * Whether each server knows the node of its host alone. Otherwise one that was connected to another node may still
   * look for a node when it is asked. @default {false}
   */
  staysWithNode?: boolean;
}

/** Cuts the leader's host off the others, `count` times. Agencies reach all servers throughout. */
export async function partitions(options: PartitionsOptions): Promise<Verdict> {
  const { seed, count, unsafe, staysWithNode = false } = options;
  await using hosts = new Hosts(HOSTS);
  await using lottery = await NodesLottery.start({
    seed,
    unsafe,
    hosts,
    servers: HOSTS,
    answerMs: ANSWER_MS,
    ...staysWithNode ? { reach: ({ nodes }, server) => [nodes[server].address] } : {},
  });
  const { nodes } = lottery.nodes;
  const outdated: Fault[] = [];
  for (let split = 0; split < count; split++) {
    const index = nodes.indexOf(await lottery.leader());
    const host = hosts.hosts[index];
    const { address } = lottery.lottery.cluster.servers[index];
    await lottery.round({
      breaks: async () => {
        // It has to know bets of every agency, even if none of them is with it.
        await askForAll(lottery.lottery, address, JOINED_MS);
        hosts.cut(host);
        // Agencies that are with the server on that side stay there until it does not answer.
        lottery.lottery.hangUp();
      },
      repairs: async () => {
        outdated.push(...await askForAll(lottery.lottery, address, CUT_OFF_MS));
        hosts.join(host);
      },
    });
  }
  const { faults, figures } = await lottery.verdict({ count });
  return { faults: [...outdated, ...faults], figures };
}

/** Asks a server for the bets of every agency. Reports numbers that are too small; no answer is not one. */
async function askForAll(
  { agencies, history }: Lottery,
  server: Address,
  timeoutMs: number,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  await Promise.all(agencies.map(async (_, index) => {
    const agency = index + 1;
    const stored = history.acknowledged(agency);
    const bets = await progressOf(agency, server, timeoutMs);
    if (bets === undefined || bets >= stored) return;
    const detail =
      `agency ${agency}: a server reports ${bets} stored bets, after ${stored} were acknowledged`;
    faults.push({ kind: "lost", detail });
  }));
  return faults;
}

/** Asks a server for the number of an agency's bets. Returns nothing if it does not answer. */
async function progressOf(
  agency: number,
  server: Address,
  timeoutMs: number,
): Promise<number | undefined> {
  try {
    using connection = await LineConnection.open(server);
    const answer = await connection.ask(`ProgressRequest:${agency}\n`, timeoutMs);
    return Number(/^ProgressResponse:(\d+)$/.exec(answer)![1]);
  } catch {
    return undefined;
  }
}
