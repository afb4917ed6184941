import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Availability } from "./availability.ts";

/** Longer than the pause between two probes. */
const A_WHILE_MS = 1500;

/** Lets time pass, and lets what it has started go on. */
async function pass(time: FakeTime, forMs: number): Promise<void> {
  await time.tickAsync(forMs);
  await time.runMicrotasks();
}

/** A probe that is answered as the test says. */
class Probe {
  isAnswered = false;
  asked = 0;

  readonly ask = (): Promise<void> => {
    this.asked++;
    return this.isAnswered ? Promise.resolve() : Promise.reject(new Error("no leader"));
  };
}

Deno.test("an append without an answer counts until a probe is answered, without another append", async () => {
  using time = new FakeTime();
  using availability = new Availability();
  const probe = new Probe();
  assertEquals(availability.isAnswering, true);
  availability.noteSilence(probe.ask);
  assertEquals(availability.isAnswering, false);
  for (let asked = 0; asked < 3; asked++) await pass(time, A_WHILE_MS);
  assertEquals(availability.isAnswering, false);
  probe.isAnswered = true;
  await pass(time, A_WHILE_MS);
  assertEquals(availability.isAnswering, true);
  const { asked } = probe;
  await pass(time, 10 * A_WHILE_MS);
  assertEquals(probe.asked, asked, "it probes no more");
});

Deno.test("an append that is answered ends the probes", async () => {
  using time = new FakeTime();
  using availability = new Availability();
  const probe = new Probe();
  availability.noteSilence(probe.ask);
  availability.noteAnswer();
  assertEquals(availability.isAnswering, true);
  await pass(time, A_WHILE_MS);
  assertEquals(probe.asked, 0);
});

Deno.test("many appends without an answer share one probe at a time: that of the latest", async () => {
  using time = new FakeTime();
  using availability = new Availability();
  const [first, latest] = [new Probe(), new Probe()];
  for (let append = 0; append < 100; append++) availability.noteSilence(first.ask);
  availability.noteSilence(latest.ask);
  await pass(time, A_WHILE_MS);
  assertEquals([first.asked, latest.asked], [0, 1]);
});

Deno.test("a probe that is answered says nothing of an append after it", async () => {
  using time = new FakeTime();
  using availability = new Availability();
  const slow = Promise.withResolvers<void>();
  availability.noteSilence(() => slow.promise);
  await pass(time, A_WHILE_MS);
  availability.noteSilence(new Probe().ask);
  slow.resolve();
  await time.runMicrotasks();
  assertEquals(availability.isAnswering, false);
});
