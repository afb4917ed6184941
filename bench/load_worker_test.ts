import { assertEquals } from "@std/assert";
import { storeFor } from "./load_worker.ts";

Deno.test("storeFor() counts the bets of all senders, however their answers mix", async () => {
  const calls = [0, 0, 0];
  const senders = calls.map((_, sender) => async (call: number) => {
    calls[sender]++;
    for (let turn = 0; turn < sender + call % 3; turn++) await Promise.resolve();
    return 100;
  });
  const { bets } = await storeFor(0.001, senders);
  assertEquals(bets, 100 * calls.reduce((sum, count) => sum + count, 0));
});
