import { assertEquals } from "@std/assert";
import { Silence } from "./silence.ts";

/** Returns at which seconds a subject is said, asked twice a second. */
function saidAt(silence: Silence, clock: { nowMs: number }, subjectAt: (second: number) => string) {
  const said: number[] = [];
  for (; clock.nowMs <= 60_000; clock.nowMs += 500) {
    if (silence.isTimeFor(subjectAt(clock.nowMs / 1000))) said.push(clock.nowMs / 1000);
  }
  return said;
}

Deno.test("Silence says what is new after the quiet time, and the same less and less often", () => {
  const clock = { nowMs: 0 };
  const silence = new Silence({ quietMs: 2000, repeatMs: 10_000, now: () => clock.nowMs });
  const subjectAt = (second: number) => second < 30 ? "the draw waits" : "it stops";
  assertEquals(saidAt(silence, clock, subjectAt), [2, 6, 14, 24, 30, 34, 42, 52]);
  silence.broken();
  assertEquals(silence.lengthMs, 0);
  assertEquals(silence.isTimeFor("it stops"), false);
  clock.nowMs += 2000;
  assertEquals([silence.isTimeFor("it stops"), silence.isTimeFor("it stops")], [true, false]);
});

Deno.test("Silence never repeats itself if that is asked", () => {
  const clock = { nowMs: 0 };
  const silence = new Silence({ quietMs: 2000, repeatMs: Infinity, now: () => clock.nowMs });
  assertEquals(saidAt(silence, clock, (second) => second < 31 ? "one" : "two"), [2, 31]);
});
