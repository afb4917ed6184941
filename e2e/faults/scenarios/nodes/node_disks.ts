/**
 * The disk of a node: it fills up, or it is gone and the node starts with an empty one.
 *
 * @module
 */

import { mustRun } from "../../commands.ts";
import { NodesLottery } from "../../nodes_lottery.ts";
import type { RunOptions, Verdict } from "../../verdict.ts";

const DISK_SIZE = "64m";
const FILLER_BYTES = 1024 * 1024;

/**
 * Fills the disk of one node, `count` times, in turn one that leads a stream and one that does not. The node leaves
 * JetStream until it is started again, with an empty disk, as docs/operations.md says: with its old folder, version
 * 2.10.27 may keep a replica that differs from the others.
 */
export async function nodeFullDisk({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using resources = new AsyncDisposableStack();
  const folders = ["node1", "node2", "node3"].map((name) => smallDisk(name, resources));
  const lottery = resources.use(await NodesLottery.start({ seed, unsafe, cluster: { folders } }));
  for (let fill = 0; fill < count; fill++) {
    const node = fill % 2 === 0 ? await lottery.leader() : await lottery.follower();
    const filler = `${node.folder}/filler`;
    await lottery.round({
      breaks: async () => {
        await fillDisk(filler);
        // It notices at its next write, as the leader or not.
        await lottery.nodes.until("the node has noticed that its disk is full", () => {
          return Promise.resolve(node.process!.count(/no space left on device/) > 0);
        });
      },
      repairs: async () => {
        await node.stop();
        await node.wipe();
        await node.start();
      },
    });
    await lottery.nodes.replicated();
  }
  return await lottery.verdict({ count });
}

/** Replaces one node after the other by an empty one of the same name, `count` times. */
export async function nodeReplacements({ seed, count, unsafe }: RunOptions): Promise<Verdict> {
  await using lottery = await NodesLottery.start({ seed, unsafe });
  const { nodes } = lottery;
  for (let replacement = 0; replacement < count; replacement++) {
    const node = nodes.nodes[replacement % nodes.nodes.length];
    await lottery.round({
      breaks: () => node.kill(),
      repairs: async () => {
        await node.wipe();
        await node.start();
      },
    });
    // Before the next one is replaced, this one must have everything.
    await nodes.replicated();
  }
  return await lottery.verdict({ count });
}

/** Makes a small disk. Returns its folder. */
function smallDisk(name: string, resources: AsyncDisposableStack): string {
  const folder = Deno.makeTempDirSync({ prefix: `lottery-${name}-` });
  resources.defer(() => Deno.remove(folder));
  mustRun("mount", ["-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "tmpfs", folder]);
  resources.defer(() => mustRun("umount", ["-l", folder]));
  return folder;
}

/** Writes a file until the disk is full. */
async function fillDisk(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  for (let size = FILLER_BYTES; size > 0;) {
    try {
      await file.write(new Uint8Array(size));
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOSPC") throw error;
      size = Math.floor(size / 2);
    }
  }
}
