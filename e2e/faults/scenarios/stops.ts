/**
 * SIGSTOP to any server at any moment, and SIGCONT once the agencies have continued with others. A
 * batch that the stopped server had in hand comes late, and must not be stored a second time.
 *
 * Nothing in one process can stop a server between two arbitrary instructions, with or without the
 * lock, while its kernel still accepts connections.
 *
 * @module
 */

import type { Fault } from "../fault.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 3;
const AGENCIES = 5;
/** Batches that each agency may send between two stops. */
const BATCHES = 8;
/** Batches that the other servers must acknowledge while one is stopped. */
const BATCHES_MEANWHILE = 8;
/**
 * Only a server that holds the lock may block the others for longer: they give the one that writes for all up after
 * three seconds, and agencies have to notice that.
 */
const BLOCKED_MS = 5000;

/** Stops and resumes servers under load. */
export async function stops({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    answerMs: 250,
    unsafe,
  });
  const { cluster, random, history } = lottery;
  const blocked: Fault[] = [];
  let heldLock = 0;
  for (let stop = 0; stop < count; stop++) {
    lottery.grant(BATCHES);
    await lottery.acknowledged(random.integer(1, BATCHES * AGENCIES - 2 * BATCHES_MEANWHILE));
    await lottery.jitter();
    const { name, process } = random.pick(cluster.servers);
    process.signal("SIGSTOP");
    const target = history.stored.value + BATCHES_MEANWHILE;
    if (!await history.stored.reaches(target, BLOCKED_MS)) {
      if (process.holdsLock("bets.csv")) heldLock++;
      else {
        const detail = `agencies make no progress without ${name}`;
        blocked.push({ kind: "unfinished", detail });
      }
    }
    process.signal("SIGCONT");
  }
  const faults = await lottery.finish();
  return {
    faults: [...faults, ...blocked],
    figures: {
      count,
      batches_acknowledged: history.stored.value,
      late_batches_refused: cluster.countLines(/others were stored since/),
      paused_with_the_lock: heldLock,
    },
  };
}
