/**
 * The power fails: all servers die, and whatever has not reached the disk is lost.
 *
 * The memory disk cuts the power at every operation. Only this run has a real file system decide
 * what a sync flushes, file names and sizes included.
 *
 * @module
 */

import { LoopDisk } from "../loop_disk.ts";
import { Lottery } from "../lottery.ts";
import type { RunOptions, Verdict } from "../verdict.ts";

const SERVERS = 2;
const AGENCIES = 4;
const BATCHES = 8;
/** Room for the redo logs of both servers, and for those that a cut has left. */
const DISK_MEGABYTES = 64;
/** Most that the batches of one cut take on the disk. */
const MEGABYTES_PER_CUT = 0.3;

/** Cuts the power `count` times; after each cut the same agencies continue with what is left. */
export async function powerCuts({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using disk = new LoopDisk(DISK_MEGABYTES + Math.ceil(count * MEGABYTES_PER_CUT));
  await using lottery = await Lottery.start({
    seed,
    servers: SERVERS,
    agencies: AGENCIES,
    volume: disk.path,
    unsafe,
  });
  const { cluster, random, history } = lottery;
  for (let cut = 0; cut < count; cut++) {
    lottery.grant(BATCHES);
    await lottery.acknowledged(random.integer(1, AGENCIES * BATCHES - AGENCIES));
    await lottery.jitter();
    await lottery.cutPower(disk);
  }
  const faults = await lottery.finish();
  return {
    faults,
    figures: {
      count,
      batches_acknowledged: history.stored.value,
      ends_restored: cluster.countLines(/action: repair .*the redo logs had them/),
      ends_left_out: cluster.countLines(/action: repair .*no redo log holds/),
    },
  };
}
