/**
 * The client program itself: killed and started again at random moments, behind a network that breaks,
 * while servers are killed too; and behind a network that leads nowhere for a while.
 *
 * @module
 */

import { ClientProgram, judgePrograms } from "../client_program.ts";
import { Proxy, PROXY_FAULTS } from "../proxy.ts";
import { Random } from "../../../testing/random.ts";
import { FaultCluster } from "../fault_cluster.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const CLIENTS = 3;
const BATCH_SIZE = 20;
/** Answers between two kills, at the most. */
const ANSWERS_MAX = 40;
/** One client may wait for the draw, or for a server, and nothing is answered meanwhile. */
const ANSWERS_PATIENCE_MS = 2000;
/** Every so many kills, a server is killed instead. */
const SERVER_EVERY = 5;
/** One connection in so many breaks. */
const FAULT_EVERY = 3;
/** Nobody listens there. */
const NOWHERE = { hostname: "127.0.0.1", port: 1 };
/** Connections of a client that lead nowhere. */
interface Refusals {
  count: number;
  /** Whether they end at once, and not only when they are asked something. */
  atOnce: boolean;
}

/**
 * So many in a row that end only when they are asked for
 * progress are still known from a server that cannot tell; of those that end at once, there may be more.
 */
const REFUSALS: readonly Refusals[] = [
  { count: 3, atOnce: false },
  { count: 5, atOnce: false },
  { count: 9, atOnce: true },
];
const BATCHES_AROUND_OUTAGE = 40;

/** What {@linkcode clients} takes beside what all runs take. */
export interface ClientsOptions extends RunOptions {
  /** Whether clients are told that nothing is stored, whatever is. @default {false} */
  forgetsProgress?: boolean;
}

/** Kills clients and servers `count` times. */
export async function clients(options: ClientsOptions): Promise<Verdict> {
  const { seed, count, unsafe, forgetsProgress = false } = options;
  const random = new Random(seed);
  const faults = random.fork();
  const bets = BATCH_SIZE * Math.ceil((count + 1) * ANSWERS_MAX / CLIENTS);
  await using cluster = await FaultCluster.start({ servers: SERVERS, agencies: CLIENTS, unsafe });
  await using proxy = new Proxy({
    random: random.fork(),
    target: () => random.pick(cluster.servers).address,
    fault: () => faults.integer(1, FAULT_EVERY) === 1 ? faults.pick(PROXY_FAULTS) : undefined,
    change: forgetsProgress ? withoutProgress : undefined,
  });
  await using programs = new AsyncDisposableStack();
  const all = Array.from({ length: CLIENTS }, (_, index) => {
    const options = { agency: index + 1, address: proxy.address, bets, batchSize: BATCH_SIZE };
    return programs.use(new ClientProgram(options));
  });
  let kills = 0;
  for (; kills < count; kills++) {
    const answers = proxy.answers.value + random.integer(1, ANSWERS_MAX);
    await proxy.answers.reaches(answers, ANSWERS_PATIENCE_MS);
    const running = all.filter(({ process }) => process.isRunning);
    if (running.length === 0) break;
    if (kills % SERVER_EVERY === SERVER_EVERY - 1) {
      const server = random.pick(cluster.servers);
      await server.process.kill();
      await server.start();
    } else {
      const program = random.pick(running);
      await program.kill();
      program.restart();
    }
  }
  return {
    faults: await judgePrograms(all, cluster),
    figures: { kills, bets_of_each: bets, broken_connections: proxy.struck.value },
  };
}

/** What {@linkcode outages} takes beside what all runs take. */
export interface OutagesOptions extends RunOptions {
  /** Of each outage in turn. @default {fewer than a client takes for a server that cannot tell} */
  refusals?: readonly Refusals[];
}

/**
 * A client starts again behind a load balancer that has no server for a moment: it takes connections and
 * closes them in good order. `count` times.
 */
export async function outages(options: OutagesOptions): Promise<Verdict> {
  const { seed, count, unsafe, refusals: planned = REFUSALS } = options;
  const random = new Random(seed);
  const bets = BATCH_SIZE * BATCHES_AROUND_OUTAGE * (count + 1);
  let nowhere = 0;
  let [refusals] = planned;
  await using cluster = await FaultCluster.start({ servers: SERVERS, agencies: 1, unsafe });
  await using proxy = new Proxy({
    random: random.fork(),
    target: () => nowhere-- > 0 ? NOWHERE : random.pick(cluster.servers).address,
    fault: () => undefined,
    refusesAtOnce: () => refusals.atOnce,
  });
  await using program = new ClientProgram({
    agency: 1,
    address: proxy.address,
    bets,
    batchSize: BATCH_SIZE,
  });
  for (let outage = 0; outage < count && program.process.isRunning; outage++) {
    const answers = proxy.answers.value + random.integer(2, BATCHES_AROUND_OUTAGE);
    await proxy.answers.reaches(answers, ANSWERS_PATIENCE_MS);
    await program.kill();
    refusals = planned[outage % planned.length];
    nowhere = refusals.count;
    program.restart();
  }
  return { faults: await judgePrograms([program], cluster), figures: { outages: count, bets } };
}

/** A server's line, in which no bets are stored. */
function withoutProgress(line: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(line).replace(
    /^ProgressResponse:\d+/,
    "ProgressResponse:0",
  );
  return new TextEncoder().encode(text);
}
