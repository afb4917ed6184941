import { assertEquals, assertRejects } from "@std/assert";
import { Turns } from "./turns.ts";

Deno.test("Turns.run() runs a limited number of tasks at a time, in order, whatever they do", async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const results = gates.map(({ promise }, index) =>
    turns.run(() => {
      started.push(index);
      return promise;
    })
  );
  assertEquals(started, [0, 1]);
  gates[1].reject(new Error("failed"));
  await assertRejects(() => results[1]);
  assertEquals(started, [0, 1, 2]);
  gates[0].resolve(0);
  gates[2].resolve(2);
  assertEquals([await results[0], await results[2]], [0, 2]);
  assertEquals(started, [0, 1, 2, 3, 4]);
  gates[3].resolve(3);
  gates[4].resolve(4);
  assertEquals([await results[3], await results[4], await turns.run(() => Promise.resolve(5))], [
    3,
    4,
    5,
  ]);
});
