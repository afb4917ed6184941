import { assertEquals, assertRejects } from "@std/assert";
import { Lane, turnEnd } from "./lane.ts";

Deno.test("Lane.run() begins a work when the one before has ended", async () => {
  const lane = new Lane();
  const steps: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lane.run(async () => {
    steps.push("first begins");
    await gate.promise;
    steps.push("first ends");
    return 1;
  });
  const second = lane.run(() => {
    steps.push("second");
    return 2;
  });
  await turnEnd();
  assertEquals(steps, ["first begins"]);
  gate.resolve();
  assertEquals(await Promise.all([first, second]), [1, 2]);
  assertEquals(steps, ["first begins", "first ends", "second"]);
});

Deno.test("Lane.run() goes on after a work that failed, and tells only who asked for that one", async () => {
  const lane = new Lane();
  const failing = lane.run(() => Promise.reject(new Error("rejected")));
  const throwing = lane.run(() => {
    throw new Error("thrown");
  });
  const fine = lane.run(() => "fine");
  await assertRejects(() => failing, Error, "rejected");
  await assertRejects(() => throwing, Error, "thrown");
  assertEquals(await fine, "fine");
});

Deno.test("Lane.run() never begins a work at once", () => {
  let hasBegun = false;
  const running = new Lane().run(() => hasBegun = true);
  assertEquals(hasBegun, false);
  return running.then(() => assertEquals(hasBegun, true));
});
