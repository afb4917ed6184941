import { assertEquals } from "@std/assert";
import { Batch, BatchPacker, type BetBlocks } from "./batches.ts";
import { blockOf } from "./testing.ts";

/** A source of these bets, so many in a block. */
function blocks(bets: string[], betsInBlock: number): BetBlocks {
  let next = 0;
  return {
    read() {
      const some = bets.slice(next, next += betsInBlock);
      return Promise.resolve(some.length === 0 ? undefined : blockOf(some));
    },
  };
}

function text(batch: Batch): string {
  return new TextDecoder().decode(batch.packet());
}

async function packAll(packer: BatchPacker): Promise<string[]> {
  const batch = new Batch(1);
  const packets: string[] = [];
  for (;;) {
    await packer.pack(batch);
    if (batch.count === 0) return packets;
    packets.push(text(batch));
  }
}

const BETS = ["a;b;1;1999-01-01;1", "ñ;d;2;1999-01-01;22", "e;f;3;1999-01-01;333"];

Deno.test("BatchPacker.pack() fills batches up to their number of bets", async () => {
  for (const betsInBlock of [1, 2, 3]) {
    const packer = new BatchPacker(blocks(BETS, betsInBlock), { betsMax: 2, bytesMax: 8192 });
    assertEquals(await packAll(packer), [
      `StoreBatch:1;${BETS[0]}:${BETS[1]}\n`,
      `StoreBatch:1;${BETS[2]}\n`,
    ]);
  }
});

Deno.test("BatchPacker.pack() fills batches up to their bytes, line end included", async () => {
  const both = `StoreBatch:1;${BETS[0]}:${BETS[1]}\n`;
  const bytesMax = new TextEncoder().encode(both).length;
  const fits = new BatchPacker(blocks(BETS, 2), { betsMax: 9, bytesMax });
  assertEquals(await packAll(fits), [both, `StoreBatch:1;${BETS[2]}\n`]);
  const tooShort = new BatchPacker(blocks(BETS, 2), { betsMax: 9, bytesMax: bytesMax - 1 });
  assertEquals((await packAll(tooShort))[0], `StoreBatch:1;${BETS[0]}\n`);
});

Deno.test("BatchPacker.skip() leaves out the first bets", async () => {
  for (const count of [0, 1, 2, 3, 4]) {
    const packer = new BatchPacker(blocks(BETS, 2), { betsMax: 1, bytesMax: 8192 });
    await packer.skip(count);
    const rest = BETS.slice(count).map((bet) => `StoreBatch:1;${bet}\n`);
    assertEquals(await packAll(packer), rest);
  }
});

Deno.test("Batch.dropFirst() keeps the other bets in their order", () => {
  for (const count of [0, 1, 2, 3]) {
    const batch = new Batch(12);
    batch.add(blockOf(BETS), 0, 1);
    batch.add(blockOf(BETS), 1, 3);
    text(batch);
    batch.dropFirst(count);
    assertEquals(batch.count, 3 - count);
    assertEquals(text(batch), `StoreBatch:12;${BETS.slice(count).join(":")}\n`);
    if (count === 1) {
      batch.dropFirst(1);
      assertEquals(text(batch), `StoreBatch:12;${BETS[2]}\n`);
    }
  }
});
