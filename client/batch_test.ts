import { assertEquals } from "@std/assert";
import { Batch } from "./batch.ts";
import { blockOf } from "./testing/bet_blocks.ts";

const BETS = ["a;b;1;1999-01-01;1", "ñ;d;2;1999-01-01;22", "e;f;3;1999-01-01;333"];

Deno.test("Batch.dropFirst() keeps the other bets in order, and Batch.firstBets() returns some", () => {
  const text = (batch: Batch) => new TextDecoder().decode(batch.packet());
  for (const count of [0, 1, 2, 3]) {
    const batch = new Batch(12);
    batch.add(blockOf(BETS), 0, 1);
    batch.add(blockOf(BETS), 1, 3);
    text(batch);
    batch.dropFirst(count);
    assertEquals(batch.count, 3 - count);
    for (let left = 1; left <= batch.count; left++) {
      const first = new TextDecoder().decode(batch.firstBets(left));
      assertEquals(first, `StoreBatch:12;${BETS.slice(count, count + left).join(":")}`);
    }
    assertEquals(text(batch), `StoreBatch:12;${BETS.slice(count).join(":")}\n`);
    if (count === 1) {
      batch.dropFirst(1);
      assertEquals(text(batch), `StoreBatch:12;${BETS[2]}\n`);
    }
  }
});
