/**
 * Two servers race for the end of an agency: two programs send its bets, each to a server of its own,
 * and a third closes it.
 *
 * The streams decide who was first. Whatever was acknowledged must be before the close, once.
 *
 * @module
 */

import { LineConnection } from "../../../../testing/line_connection.ts";
import { NatsCluster } from "../../../../testing/nats_cluster.ts";
import type { Address } from "../../../../testing/ports.ts";
import { Random } from "../../../../testing/random.ts";
import { check } from "../../checker.ts";
import { FaultCluster } from "../../fault_cluster.ts";
import { History } from "../../history.ts";
import { batchPacket } from "../../made_bets.ts";
import { askWinners } from "../../recording_agency.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const SERVERS = 2;
const BATCH_BETS = 3;
/** The close comes within this time. */
const CLOSE_MS_MAX = 200;
const ANSWER_MS = 10_000;

/** Races `count` times, each time for an agency of its own. */
export async function closeRaces({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const random = new Random(seed);
  const history = new History();
  await using nodes = await NatsCluster.start();
  await using cluster = await FaultCluster.start({
    servers: SERVERS,
    agencies: count,
    nodes,
    unsafe,
  });
  const addresses = cluster.servers.map(({ address }) => address);
  for (let agency = 1; agency <= count; agency++) {
    const closing = closeAgency(agency, { address: random.pick(addresses), random, history });
    await Promise.all([
      closing,
      ...addresses.map((address) => sendBets(agency, { address, history, closing })),
    ]);
    // Acknowledgements of bets before the close may have arrived after its confirmation.
    history.add({ type: "closed", agency, fileSize: Infinity });
  }
  for (let agency = 1; agency <= count; agency++) {
    using connection = await LineConnection.open(random.pick(addresses));
    await askWinners({ agency, history, server: "server", connection });
  }
  const evidence = await cluster.stored();
  const faults = check({ agencies: count, events: history.events, isComplete: true, ...evidence });
  const { stored, refused } = history;
  return {
    faults,
    figures: { count, batches_acknowledged: stored.value, batches_refused: refused.value },
  };
}

/** Closes an agency after a while, and waits for the confirmation. */
async function closeAgency(
  agency: number,
  { address, random, history }: { address: Address; random: Random; history: History },
): Promise<void> {
  using connection = await LineConnection.open(address);
  await new Promise((resolve) => setTimeout(resolve, random.integer(0, CLOSE_MS_MAX)));
  history.add({ type: "close sent", agency });
  await connection.send(`AgencyClose:${agency}\n`);
  await connection.ask(`ProgressRequest:${agency}\n`, ANSWER_MS);
}

/** Sends the agency's bets, continuing after whatever the other program has stored, until it is closed. */
async function sendBets(
  agency: number,
  { address, history, closing }: { address: Address; history: History; closing: Promise<void> },
): Promise<void> {
  let isClosed = false;
  closing.then(() => isClosed = true);
  using connection = await LineConnection.open(address);
  for (let wasClosed = false; !wasClosed;) {
    wasClosed = isClosed;
    const acknowledged = history.acknowledged(agency);
    const from = await askProgress(agency, connection);
    history.add({ type: "progress", agency, bets: from, acknowledged });
    for (let at = from;; at += BATCH_BETS) {
      const batch = { agency, from: at, to: at + BATCH_BETS };
      history.add({ type: "sent", ...batch });
      const packet = batchPacket(agency, batch.from, batch.to);
      const answer = await connection.ask(packet, ANSWER_MS);
      const isStored = answer === "StoreResponse:0";
      history.add({ type: isStored ? "stored" : "refused", ...batch });
      if (!isStored) break;
    }
  }
}

async function askProgress(agency: number, connection: LineConnection): Promise<number> {
  const answer = await connection.ask(`ProgressRequest:${agency}\n`, ANSWER_MS);
  const match = /^ProgressResponse:(\d+)$/.exec(answer);
  if (match === null) throw new Error(`not a ProgressResponse: ${answer}`);
  return Number(match[1]);
}
