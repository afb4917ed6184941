/**
 * A disk that fills up, and is enlarged later.
 *
 * The memory disk runs full too. Only here does the kernel decide how much of a write still fits,
 * and does a whole server experience it.
 *
 * @module
 */

import { mustRun } from "../commands.ts";
import type { Fault } from "../fault.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 3;
const FULL_BYTES = "256k";
/** More batches than fit. */
const BATCHES = 200;
/** Batches of the agency that is done before the disk is full. */
const BATCHES_OF_CLOSING = 2;
/** Batches that must be acknowledged once there is room again. */
const BATCHES_AFTER = 100;

/** Options of {@linkcode fullDisk}. */
export interface FullDiskOptions extends RunOptions {
  /** Batches that are refused before there is room again. @default {10} */
  refusedMin?: number;
}

/** Fills disks. Servers must refuse, keep running, and store again as soon as there is room. */
export async function fullDisk(options: FullDiskOptions): Promise<Verdict> {
  const { seed, count } = options;
  const faults: Fault[] = [];
  let refused = 0;
  for (let run = 0; run < count; run++) {
    const outcome = await fillDisk({ ...options, seed: seed + run });
    faults.push(...outcome.faults);
    refused += outcome.refused;
  }
  return { faults, figures: { disks_filled: count, batches_refused: refused } };
}

async function fillDisk({ seed, unsafe, refusedMin = 10 }: FullDiskOptions) {
  await using resources = new AsyncDisposableStack();
  const volume = Deno.makeTempDirSync({ prefix: "lottery-full-" });
  resources.defer(() => Deno.remove(volume));
  mustRun("mount", ["-t", "tmpfs", "-o", `size=${FULL_BYTES}`, "tmpfs", volume]);
  resources.defer(() => mustRun("umount", [volume]));
  const lottery = resources.use(
    await Lottery.start({ seed, servers: SERVERS, agencies: AGENCIES, volume, unsafe }),
  );
  const { cluster, history, agencies } = lottery;
  const [closing, ...sending] = agencies;
  closing.allowance.grant(BATCHES_OF_CLOSING);
  await lottery.acknowledged(BATCHES_OF_CLOSING);
  for (const { allowance } of sending) allowance.grant(BATCHES);
  await history.refused.more(refusedMin, "a refused batch");
  // Nor can an agency close while nothing can be written, and no server may confirm it.
  closing.allowance.end();
  await Promise.any(
    cluster.servers.map(({ process }) => process.line(/action: agency_close \| result: fail/)),
  );
  const dead = cluster.servers.filter(({ process }) => !process.isRunning);
  const refused = history.refused.value;
  mustRun("mount", ["-o", "remount,size=64m", volume]);
  await lottery.acknowledged(BATCHES_AFTER);
  const faults = await lottery.finish();
  for (const { name, process } of dead) {
    faults.push({ kind: "bad exit", detail: `${name} exited on a full disk:\n${process.tail()}` });
  }
  return { faults, refused };
}
