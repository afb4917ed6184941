/**
 * The client program: killed and restarted at random moments while the network breaks and servers
 * are killed too; and restarted while its load balancer has no server.
 *
 * The simulation runs the same agency, but in one process. Only these runs have a client that truly
 * forgets, with its real exit code and output; and real sockets, which a client finds closed before
 * or after it asks.
 *
 * @module
 */

import { Random } from "../../../testing/random.ts";
import { ClientProgram, judgePrograms } from "../client_program.ts";
import { FaultCluster } from "../fault_cluster.ts";
import { PROXY_FAULTS } from "../passage.ts";
import { Proxy } from "../proxy.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const CLIENTS = 3;
const BATCH_SIZE = 20;
/** Most answers between two kills. */
const ANSWERS_MAX = 40;
/**
 * Longest wait for these answers: none come while every client waits for the draw or for a server.
 */
const ANSWERS_TIMEOUT_MS = 2000;
/** Each Nth kill hits a server instead of a client. */
const SERVER_EVERY = 5;
/** One in N connections breaks. */
const FAULT_EVERY = 3;
/** Nothing listens there. */
const NOWHERE = { hostname: "127.0.0.1", port: 1 };

/** Connections of a client that the load balancer accepts and closes. */
interface Refusals {
  count: number;
  /** Whether it closes them at once, rather than after the first request. */
  atOnce: boolean;
}

/**
 * More refusals than a client takes that may conclude from them that its server lacks
 * ProgressRequest. By default none may.
 */
const REFUSALS: readonly Refusals[] = [
  { count: 3, atOnce: false },
  { count: 9, atOnce: false },
  { count: 9, atOnce: true },
];
const BATCHES_AROUND_OUTAGE = 40;

/** Options of {@linkcode clients}. */
export interface ClientsOptions extends RunOptions {
  /** Whether every ProgressResponse reports 0 bets. For a control. @default {false} */
  hidesProgress?: boolean;
}

/** Kills clients and servers `count` times. */
export async function clients(options: ClientsOptions): Promise<Verdict> {
  const { seed, count, unsafe, hidesProgress = false } = options;
  const random = new Random(seed);
  const faults = random.fork();
  const bets = BATCH_SIZE * Math.ceil((count + 1) * ANSWERS_MAX / CLIENTS);
  await using cluster = await FaultCluster.start({ servers: SERVERS, agencies: CLIENTS, unsafe });
  await using proxy = new Proxy({
    random: random.fork(),
    target: () => random.pick(cluster.servers).address,
    fault: () => faults.integer(1, FAULT_EVERY) === 1 ? faults.pick(PROXY_FAULTS) : undefined,
    rewrite: hidesProgress ? withoutProgress : undefined,
  });
  await using programs = new AsyncDisposableStack();
  const all = Array.from({ length: CLIENTS }, (_, index) => {
    const options = { agency: index + 1, address: proxy.address, bets, batchSize: BATCH_SIZE };
    return programs.use(new ClientProgram(options));
  });
  let kills = 0;
  for (; kills < count; kills++) {
    const answers = proxy.answers.value + random.integer(1, ANSWERS_MAX);
    await proxy.answers.reaches(answers, ANSWERS_TIMEOUT_MS);
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

/** Options of {@linkcode outages}. */
export interface OutagesOptions extends RunOptions {
  /** The refusals of each outage in turn. @default {few and many} */
  refusals?: readonly Refusals[];
  /** Whether the client may take its servers for ones without ProgressRequest. @default {false} */
  legacyServer?: boolean;
}

/**
 * Restarts a client `count` times while its load balancer has no server: it accepts connections and
 * closes them in an orderly way.
 */
export async function outages(options: OutagesOptions): Promise<Verdict> {
  const { seed, count, unsafe, refusals: planned = REFUSALS, legacyServer } = options;
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
    legacyServer,
  });
  for (let outage = 0; outage < count && program.process.isRunning; outage++) {
    const answers = proxy.answers.value + random.integer(2, BATCHES_AROUND_OUTAGE);
    await proxy.answers.reaches(answers, ANSWERS_TIMEOUT_MS);
    await program.kill();
    refusals = planned[outage % planned.length];
    nowhere = refusals.count;
    program.restart();
  }
  return { faults: await judgePrograms([program], cluster), figures: { count, bets } };
}

/** Rewrites a ProgressResponse to report 0 bets. */
function withoutProgress(line: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(line).replace(
    /^ProgressResponse:\d+/,
    "ProgressResponse:0",
  );
  return new TextEncoder().encode(text);
}
