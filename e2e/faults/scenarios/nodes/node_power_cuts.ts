/**
 * The power of nodes fails: of one of them, or of all at the same moment. Whatever has not reached
 * their disks is lost.
 *
 * This is what "synced before it is acknowledged" is for, and the control without it shows that a
 * majority of nodes is no protection against a power cut of all.
 *
 * @module
 */

import type { NatsNode } from "../../../../testing/nats_node.ts";
import { LoopDisk } from "../../loop_disk.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const NODES = 3;
const DISK_MEGABYTES = 96;
/** Most that a round leaves on a disk, in streams and Raft logs. */
const MEGABYTES_PER_CUT = 2;
/** In a control, agencies wait in vain for what was lost. */
const CONTROL_TIMEOUT_MS = 15_000;

/** Cuts the power of one node, `count` times; in turn one that leads a stream, and one that does not. */
export async function nodePowerCuts(options: RunOptions): Promise<Verdict> {
  return await cutPower(options, async (lottery, cut) => {
    return [cut % 2 === 0 ? await lottery.leader() : await lottery.follower()];
  });
}

/** Cuts the power of all nodes, `count` times. Without sync: `unsafe: ["no-sync"]`. */
export async function clusterPowerCuts(options: RunOptions): Promise<Verdict> {
  return await cutPower(options, (lottery) => Promise.resolve([...lottery.nodes.nodes]));
}

async function cutPower(
  { seed, count, unsafe = [] }: RunOptions,
  choose: (lottery: NodesLottery, cut: number) => Promise<NatsNode[]>,
): Promise<Verdict> {
  await using resources = new AsyncDisposableStack();
  const megabytes = DISK_MEGABYTES + count * MEGABYTES_PER_CUT;
  const disks = Array.from({ length: NODES }, () => resources.use(new LoopDisk(megabytes)));
  const isSynced = !unsafe.includes("no-sync");
  const lottery = resources.use(
    await NodesLottery.start({
      seed,
      unsafe: unsafe.filter((protection) => protection !== "no-sync"),
      cluster: { folders: disks.map(({ path }) => path), syncAlways: isSynced },
      ...isSynced ? {} : { continueMs: CONTROL_TIMEOUT_MS },
    }),
  );
  for (let cut = 0; cut < count; cut++) {
    const hit = await choose(lottery, cut);
    const isTotal = hit.length > NODES / 2;
    const disksHit = hit.map((node) => disks[lottery.nodes.nodes.indexOf(node)]);
    await lottery.round({
      isTotal,
      breaks: async () => {
        // What is not on the disks now never will be.
        for (const node of hit) node.pause();
        for (const disk of disksHit) disk.copy();
        await Promise.all(hit.map((node) => node.kill()));
        for (const disk of disksHit) await disk.restoreCopy();
      },
      repairs: async () => {
        await Promise.all(hit.map((node) => node.start()));
      },
    });
  }
  return await lottery.verdict({ count });
}
