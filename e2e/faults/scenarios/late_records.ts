/**
 * The late record: a server stops after it has appended a round and before it records that in its redo log.
 * Meanwhile another server starts. It must see that the first one lives, and not leave the round out.
 *
 * The ledger's own tests play this in memory. Here a real process stops, and the kernel keeps its lock.
 *
 * @module
 */

import type { Fault } from "../fault.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const BATCHES = 8;
/** The record before which the server stops. */
const RECORD = 3;
/** Longer than the stop: the agency must get the answer of the server that was stopped. */
const ANSWER_MS = 10_000;

/** Far more than the agency needs to end. */
const END_MS = 10_000;

/** Stops a server before a record, `count` times. */
export async function lateRecords(options: RunOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  for (let run = 0; run < options.count; run++) {
    faults.push(...await recordLate({ ...options, seed: options.seed + run }));
  }
  return { faults, figures: { count: options.count } };
}

async function recordLate({ seed, unsafe = [] }: RunOptions): Promise<Fault[]> {
  // Those of the server that starts last alone: the others have to share the volume until then.
  const unsafeAtLast: string[] = [];
  await using lottery = await Lottery.start({
    seed,
    servers: 2,
    agencies: 1,
    answerMs: ANSWER_MS,
    endTimeoutMs: END_MS,
    faults: [[`stop-before-record:${RECORD}`, ...unsafe.filter(isOfPaused)].join(",")],
    unsafe: unsafeAtLast,
    address: ({ servers }) => servers[servers[0].process.isRunning ? 0 : 1].address,
  });
  const { cluster } = lottery;
  const [first, second] = cluster.servers;
  lottery.grant(RECORD);
  await first.process.line(/action: stop \| result: success/);
  await second.process.kill();
  unsafeAtLast.push(...unsafe.filter((name) => !isOfPaused(name)));
  await second.start();
  first.process.signal("SIGCONT");
  await lottery.acknowledged(1);
  lottery.grant(BATCHES);
  return await lottery.finish();
}

/** Whether a protection is one of the server that is paused. */
function isOfPaused(name: string): boolean {
  return name === "no-log-watch";
}
