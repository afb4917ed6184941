/**
 * Datagrams that are lost, forged or doubled. They are a hint and nothing else: the draw comes when all
 * agencies have closed, not before, and comes without them too.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { inTime } from "../counter.ts";
import { LineConnection } from "../../../testing/line_connection.ts";
import { Lottery } from "../lottery.ts";
import { askWinners } from "../recording_agency.ts";
import type { RestartableServer } from "../../../testing/servers.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 3;
const AGENCIES = 3;
const BATCHES = 5;
const PAYLOADS = [
  "bet_ended",
  "bet_ended\n",
  "",
  "bet_ended bet_ended",
  "sorteo",
  "\0".repeat(500),
];

/** Longest wait for an answer behind the draw, if servers look every second. */
const ANSWER_MS_MAX = 3000;

/** What {@linkcode lostDatagrams} takes beside what all runs take. */
export interface LostDatagramsOptions extends RunOptions {
  /** How often a server looks by itself. @default {1} */
  pollSeconds?: number;
}

/** No datagram arrives anywhere, `count` times. */
export async function lostDatagrams(options: LostDatagramsOptions): Promise<Verdict> {
  const { seed, count, unsafe, pollSeconds = 1 } = options;
  const faults: Fault[] = [];
  let longestMs = 0;
  for (let draw = 0; draw < count; draw++) {
    await using lottery = await Lottery.start({
      seed: seed + draw,
      servers: SERVERS,
      agencies: AGENCIES,
      losesBroadcasts: true,
      environment: { DRAW_POLL_SECONDS: String(pollSeconds) },
      unsafe,
      // All agencies close at the first server: nobody tells the others.
      address: ({ servers }) => servers[0].address,
    });
    const waiting = waitAtEach(lottery);
    lottery.grant(BATCHES);
    await lottery.acknowledged(AGENCIES * BATCHES);
    await lottery.end();
    const begin = performance.now();
    faults.push(...await findForgotten(waiting));
    longestMs = Math.max(longestMs, performance.now() - begin);
    faults.push(...await lottery.finish());
  }
  return { faults, figures: { draws: count, longest_wait_ms: Math.round(longestMs) } };
}

/** Anyone says `bet_ended` at any time, `count` times, and someone waits for winners from the beginning. */
export async function forgedDatagrams({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const options = { seed, servers: SERVERS, agencies: AGENCIES, unsafe };
  await using lottery = await Lottery.start(options);
  const { cluster, history, random } = lottery;
  const waiting = waitAtEach(lottery);
  for (let forged = 0; forged < count; forged++) {
    await cluster.sendDatagram(random.pick(PAYLOADS));
    await cluster.sendDatagram("bet_ended");
    if (forged % 10 > 0) continue;
    lottery.grant(1);
    await lottery.acknowledged(AGENCIES);
  }
  // One agency after the other closes; the word is spread each time that it was the last one.
  for (const { allowance } of lottery.agencies.slice(0, -1)) {
    const closed = history.closed.value + 1;
    allowance.end();
    await history.closed.reaches(closed);
    await cluster.sendDatagram("bet_ended");
  }
  lottery.agencies[AGENCIES - 1].allowance.grant(BATCHES);
  await lottery.acknowledged(BATCHES);
  await lottery.end();
  const forgotten = await findForgotten(waiting);
  const faults = [...forgotten, ...await lottery.finish()];
  return { faults, figures: { forged_datagrams: 2 * count + AGENCIES - 1, waiting: SERVERS } };
}

/** Someone who has asked a server for winners. */
interface Waiting {
  server: string;
  answered: Promise<boolean>;
}

/** Asks every server for the winners of agency 1, now. */
function waitAtEach({ cluster, history }: Lottery): Waiting[] {
  const ask = async ({ address, name }: RestartableServer) => {
    using connection = await LineConnection.open(address);
    await askWinners({ agency: 1, history, server: name, connection });
    return true;
  };
  return cluster.servers.map((server) => ({
    server: server.name,
    answered: ask(server).catch(() => false),
  }));
}

/** Who waits was to be told by now, or soon. */
async function findForgotten(waiting: readonly Waiting[]): Promise<Fault[]> {
  const answers = waiting.map(({ answered }) => inTime(answered, ANSWER_MS_MAX));
  const isTold = await Promise.all(answers);
  return waiting.filter((_, index) => isTold[index] !== true).map(({ server }) => ({
    kind: "unfinished",
    detail: `who waits at ${server} is not told the winners`,
  }));
}
