/**
 * Client programs while the leader of a stream dies: they have to wait, and must not report an error.
 *
 * They have their default settings, ten seconds for an answer among them.
 *
 * @module
 */

import { NatsCluster } from "../../../../testing/nats_cluster.ts";
import { Random } from "../../../../testing/random.ts";
import { ClientProgram, judgePrograms } from "../../client_program.ts";
import type { Fault } from "../../fault.ts";
import { FaultCluster } from "../../fault_cluster.ts";
import { Proxy } from "../../proxy.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const SERVERS = 2;
const CLIENTS = 3;
const BATCH_SIZE = 5;
/** Answers between the repair of one node and the death of the next. */
const ANSWERS_MIN = 50;
const ANSWERS_MAX = 150;
/** Answers of the three clients that arrive after a death before the node is started again. */
const ANSWERS_AFTER = 60;
/** Batches that each client has for each death: more than are sent until the node is back. */
const BATCHES_PER_DEATH = 1000;
const ANSWERS_TIMEOUT_MS = 60_000;
/** Default settings, in place of those of other runs. */
const DEFAULTS = { CLI_ANSWER_SECONDS: "10", CLI_RETRY_SECONDS: "60", CLI_WINNERS_SECONDS: "60" };

/** Kills the leader of a stream `count` times while clients send. */
export async function clientPauses({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const random = new Random(seed);
  await using nodes = await NatsCluster.start();
  await using cluster = await FaultCluster.start({
    servers: SERVERS,
    agencies: CLIENTS,
    nodes,
    unsafe,
  });
  // It breaks nothing: it counts answers.
  await using proxy = new Proxy({
    random: random.fork(),
    target: () => random.pick(cluster.servers).address,
    fault: () => undefined,
  });
  await using programs = new AsyncDisposableStack();
  const bets = count * BATCHES_PER_DEATH * BATCH_SIZE;
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const options = { agency: index + 1, address: proxy.address, bets, batchSize: BATCH_SIZE };
    return programs.use(new ClientProgram({ ...options, env: DEFAULTS }));
  });
  let kills = 0;
  for (; kills < count && clients.every(({ process }) => process.isRunning); kills++) {
    await answers(proxy, random.integer(ANSWERS_MIN, ANSWERS_MAX));
    const streams = (await nodes.streamNames()).filter((name) => !name.endsWith("_DRAWS"));
    const leader = await nodes.leader(random.pick(streams));
    await leader.kill();
    await answers(proxy, ANSWERS_AFTER);
    await leader.start();
    await nodes.recover();
  }
  const faults = await judgePrograms(clients, cluster);
  return {
    faults: [...faults, ...clients.flatMap(reportedErrors)],
    figures: { kills, bets_of_each: bets, warnings: warnings(clients) },
  };
}

async function answers(proxy: Proxy, count: number): Promise<void> {
  await proxy.answers.reaches(proxy.answers.value + count, ANSWERS_TIMEOUT_MS);
}

function reportedErrors({ process }: ClientProgram): Fault[] {
  const lines = process.lines.filter((line) => /\b(ERROR|FATAL|CRITICAL)\b/.test(line));
  return lines.map((line) => ({ kind: "error", detail: `${process.name} reports: ${line}` }));
}

function warnings(clients: readonly ClientProgram[]): number {
  return clients.reduce((sum, { process }) => sum + process.count(/\bWARN/), 0);
}
