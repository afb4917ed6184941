import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { withDeadline } from "./deadline.ts";

const late = () => new Error("too late");

Deno.test("withDeadline() returns the result of the work and stops its timer", async () => {
  // A leaked timer fails the test.
  assertEquals(await withDeadline(Promise.resolve(7), { timeoutMs: 1000, error: late }), 7);
});

Deno.test("withDeadline() throws the error of the work", async () => {
  const failing = Promise.reject(new TypeError("bad"));
  await assertRejects(() => withDeadline(failing, { timeoutMs: 1000, error: late }), TypeError);
});

Deno.test("withDeadline() throws its error when the time is up, and not before", async () => {
  using time = new FakeTime();
  let isOver = false;
  const waiting = withDeadline(new Promise(() => {}), { timeoutMs: 1000, error: late });
  const outcome = assertRejects(() => waiting, Error, "too late").then(() => isOver = true);
  await time.tickAsync(999);
  assertEquals(isOver, false);
  await time.tickAsync(1);
  await outcome;
});
