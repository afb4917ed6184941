/**
 * The late write: a server stops just before it takes the lock for a batch, the agency sends the
 * batch to another server, and then the first one resumes.
 *
 * The simulation meets this by chance, in one process. Here a real process stops, its kernel keeps
 * the batch, and the late write happens every time. It is also the control of `stops`, which meets
 * it by chance too.
 *
 * @module
 */

import { LineConnection } from "../../../testing/line_connection.ts";
import type { Fault } from "../fault.ts";
import { Lottery } from "../lottery.ts";
import type { ProgressHabit } from "../recording_agency.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const BATCHES = 8;
const ANSWER_MS = 250;
const PROGRESS_MS = 10_000;
/** The start of the server takes the lock six times, and the ProgressRequest once. */
const TURNS_BEFORE_BATCHES = 7;

/** Options of {@linkcode lateWrites}. */
export interface LateWritesOptions extends RunOptions {
  /** @default {"asks"} */
  progress?: ProgressHabit;
}

/** Makes a server write late, `count` times. */
export async function lateWrites(options: LateWritesOptions): Promise<Verdict> {
  const faults: Fault[] = [];
  let refused = 0;
  for (let run = 0; run < options.count; run++) {
    const outcome = await lateWrite({ ...options, seed: options.seed + run });
    faults.push(...outcome.faults);
    refused += outcome.refused;
  }
  if (refused === 0 && options.progress === undefined) {
    faults.push({ kind: "unfinished", detail: "no late write happened: the run tests nothing" });
  }
  return { faults, figures: { count: options.count, late_batches_refused: refused } };
}

async function lateWrite({ seed, progress, unsafe }: LateWritesOptions) {
  const turn = TURNS_BEFORE_BATCHES + 1 + seed % (BATCHES / 2);
  await using lottery = await Lottery.start({
    seed,
    servers: 2,
    agencies: 1,
    answerMs: ANSWER_MS,
    faults: [`stop-before-lock:${turn}`],
    progress,
    unsafe,
    address: ({ servers }) => servers[servers[0].process.isStopped() ? 1 : 0].address,
  });
  const { cluster } = lottery;
  const [first] = cluster.servers;
  lottery.grant(BATCHES);
  await lottery.acknowledged(BATCHES);
  if (!first.process.isStopped()) throw new Error("Cannot test: the server did not stop");
  first.process.signal("SIGCONT");
  // This is answered after the batch that the server had in hand.
  using connection = await LineConnection.open(first.address);
  await connection.ask("ProgressRequest:1\n", PROGRESS_MS);
  lottery.grant(BATCHES);
  const faults = await lottery.finish();
  return { faults, refused: cluster.countLines(/others were stored since/) };
}
