import { assertEquals } from "@std/assert";
import { Batch } from "./batch.ts";
import { BatchPacker } from "./batch_packer.ts";
import { blocksOf } from "./testing/bet_blocks.ts";

async function packAll(packer: BatchPacker): Promise<string[]> {
  const batch = new Batch(1);
  const packets: string[] = [];
  for (;;) {
    await packer.pack(batch);
    if (batch.count === 0) return packets;
    packets.push(new TextDecoder().decode(batch.packet()));
  }
}

const BETS = ["a;b;1;1999-01-01;1", "ñ;d;2;1999-01-01;22", "e;f;3;1999-01-01;333"];

async function packRest(from: number, betsMax: number): Promise<string> {
  const rest = new BatchPacker(blocksOf(BETS.slice(from), 2), { betsMax, bytesMax: 8192 });
  return (await packAll(rest)).join("");
}

Deno.test("BatchPacker.pack() limits the bets of a batch", async () => {
  for (const betsInBlock of [1, 2, 3]) {
    const packer = new BatchPacker(blocksOf(BETS, betsInBlock), { betsMax: 2, bytesMax: 8192 });
    assertEquals(await packAll(packer), [
      `StoreBatch:1;${BETS[0]}:${BETS[1]}\n`,
      `StoreBatch:1;${BETS[2]}\n`,
    ]);
  }
});

Deno.test("BatchPacker.pack() limits the bytes of a batch, line end included", async () => {
  const both = `StoreBatch:1;${BETS[0]}:${BETS[1]}\n`;
  const bytesMax = new TextEncoder().encode(both).length;
  const fits = new BatchPacker(blocksOf(BETS, 2), { betsMax: 9, bytesMax });
  assertEquals(await packAll(fits), [both, `StoreBatch:1;${BETS[2]}\n`]);
  const tooShort = new BatchPacker(blocksOf(BETS, 2), { betsMax: 9, bytesMax: bytesMax - 1 });
  assertEquals((await packAll(tooShort))[0], `StoreBatch:1;${BETS[0]}\n`);
});

Deno.test("BatchPacker.skip() skips the first bets, and passes them on", async () => {
  for (const [count, betsMax] of [[0, 1], [1, 1], [1, 2], [2, 1], [2, 2], [3, 2], [4, 2]]) {
    const packer = new BatchPacker(blocksOf(BETS, 2), { betsMax, bytesMax: 8192 });
    const skipped: string[] = [];
    await packer.skip(count, new Batch(1), (batch) => {
      const packet = new TextDecoder().decode(batch.packet());
      skipped.push(...packet.slice("StoreBatch:1;".length, -1).split(":"));
    });
    assertEquals(skipped, BETS.slice(0, count));
    assertEquals((await packAll(packer)).join(""), await packRest(count, betsMax));
  }
});
