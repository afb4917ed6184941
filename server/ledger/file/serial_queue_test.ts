import { assertEquals, assertRejects } from "@std/assert";
import { turnEnd } from "../courtesy.ts";
import { SerialQueue } from "./serial_queue.ts";

Deno.test("SerialQueue.run() starts a task after the one before has ended", async () => {
  const queue = new SerialQueue();
  const steps: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run(async () => {
    steps.push("first begins");
    await gate.promise;
    steps.push("first ends");
    return 1;
  });
  const second = queue.run(() => {
    steps.push("second");
    return 2;
  });
  await turnEnd();
  assertEquals(steps, ["first begins"]);
  gate.resolve();
  assertEquals(await Promise.all([first, second]), [1, 2]);
  assertEquals(steps, ["first begins", "first ends", "second"]);
});

Deno.test("SerialQueue.run() continues after a failed task, and rejects only its promise", async () => {
  const queue = new SerialQueue();
  const failing = queue.run(() => Promise.reject(new Error("rejected")));
  const throwing = queue.run(() => {
    throw new Error("thrown");
  });
  const fine = queue.run(() => "fine");
  await assertRejects(() => failing, Error, "rejected");
  await assertRejects(() => throwing, Error, "thrown");
  assertEquals(await fine, "fine");
});

Deno.test("SerialQueue.run() never starts a task synchronously", () => {
  let hasBegun = false;
  const running = new SerialQueue().run(() => hasBegun = true);
  assertEquals(hasBegun, false);
  return running.then(() => assertEquals(hasBegun, true));
});
