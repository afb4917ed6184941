/**
 * A server that dies at each point of an append or a close.
 *
 * @module
 */

import type { Fault } from "../checker.ts";
import { Lottery } from "../lottery.ts";
import { Random } from "../../../testing/random.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

/** The moments of preload.ts, each with the earliest and latest of its times to die at. */
const MOMENTS: readonly [moment: string, first: number, last: number][] = [
  ["kill-mid-write", 1, 5],
  ["kill-before-write", 1, 5],
  ["kill-after-write", 1, 5],
  ["kill-after-sync", 1, 5],
  // The first two are written before the server listens.
  ["kill-mid-journal", 3, 6],
  ["kill-after-journal", 3, 6],
  ["kill-mid-close", 1, 2],
  ["kill-after-close", 1, 2],
  ["kill-before-close", 1, 2],
];
const AGENCIES = 2;
const BATCHES = 6;

/** Dies at one point after the other. */
export async function crashPoints({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  const random = new Random(seed);
  const faults: Fault[] = [];
  let repairs = 0;
  for (let crash = 0; crash < count; crash++) {
    const [moment, first, last] = MOMENTS[crash % MOMENTS.length];
    const point = `${moment}:${random.integer(first, last)}`;
    const outcome = await crashAt(point, { seed: seed + crash, count, unsafe });
    repairs += outcome.repairs;
    for (const { kind, detail } of outcome.faults) {
      faults.push({ kind, detail: `${point}: ${detail}` });
    }
  }
  return {
    faults,
    figures: { crashes: count, points: Math.min(count, MOMENTS.length), rounds_repaired: repairs },
  };
}

async function crashAt(point: string, { seed, unsafe }: RunOptions) {
  await using lottery = await Lottery.start({
    seed,
    servers: 2,
    agencies: AGENCIES,
    faults: [point],
    unsafe,
    address: ({ servers }) => servers[servers[0].process.isRunning ? 0 : 1].address,
  });
  const { cluster } = lottery;
  const [victim] = cluster.servers;
  const [doomed] = [victim.process];
  lottery.grant(BATCHES);
  await lottery.acknowledged(AGENCIES * BATCHES);
  const isAtClose = point.includes("close");
  if (!isAtClose) await doomed.ended();
  const faults = await lottery.finish();
  if (await doomed.ended() !== 137) {
    throw new Error(`Cannot test ${point}: the server did not die there`);
  }
  return { faults, repairs: cluster.countLines(/action: repair \| result: success/) };
}
