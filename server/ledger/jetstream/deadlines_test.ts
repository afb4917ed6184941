import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Deadlines } from "./deadlines.ts";

/** Returns deadlines by the clock of the test, and what has ended so far. */
function setUp() {
  const deadlines = new Deadlines(Date.now);
  const ended: string[] = [];
  const add = (name: string, inMs: number) => {
    const deadline = { atMs: Date.now() + inMs, onOver: () => void ended.push(name) };
    deadlines.add(deadline);
    return deadline;
  };
  return { deadlines, ended, add };
}

Deno.test("Deadlines end at their time, in whatever order they were added", () => {
  using time = new FakeTime();
  const { ended, add } = setUp();
  add("second", 2000);
  add("first", 1000);
  add("third", 3000);
  time.tick(999);
  assertEquals(ended, []);
  time.tick(1);
  assertEquals(ended, ["first"]);
  time.tick(1000);
  assertEquals(ended, ["first", "second"]);
  time.tick(1000);
  assertEquals(ended, ["first", "second", "third"]);
});

Deno.test("Deadlines that are deleted do not end, nor keep the others from it", () => {
  using time = new FakeTime();
  const { deadlines, ended, add } = setUp();
  const first = add("first", 1000);
  add("second", 2000);
  deadlines.delete(first);
  time.tick(1000);
  add("third", 500);
  time.tick(1000);
  assertEquals(ended, ["third", "second"]);
});

Deno.test("a deadline may be added again when it is over, and one that is past ends at once", () => {
  using time = new FakeTime();
  const { deadlines, ended, add } = setUp();
  let times = 0;
  const deadline = {
    atMs: Date.now() + 1000,
    onOver: () => {
      deadline.atMs += 1000;
      if (++times < 3) deadlines.add(deadline);
    },
  };
  deadlines.add(deadline);
  add("past", -5);
  time.tick(0);
  assertEquals(ended, ["past"]);
  time.tick(3000);
  assertEquals(times, 3);
});

Deno.test("Deadlines leave no timer when all are deleted", () => {
  const { deadlines, add } = setUp();
  // The test itself fails if a timer is left.
  deadlines.delete(add("first", 60_000));
  const [second, third] = [add("second", 60_000), add("third", 30_000)];
  deadlines.delete(third);
  deadlines.delete(second);
});
