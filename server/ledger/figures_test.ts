import { assert, assertEquals } from "@std/assert";
import { Histogram, microseconds, quantileOf, secondsBetween } from "./figures.ts";

Deno.test("Histogram.observe() counts a value in the first bucket that it does not exceed", () => {
  const histogram = new Histogram([1, 2, 5]);
  for (const value of [0, 1, 1.5, 2, 4, 5, 6, 1000]) histogram.observe(value);
  assertEquals(Array.from(histogram.counts), [2, 2, 2, 2]);
  assertEquals([histogram.count, histogram.sum], [8, 1019.5]);
});

Deno.test("quantileOf() interpolates within a bucket, from its lower to its upper bound", () => {
  const bounds = [1, 2, 4];
  assertEquals(quantileOf(bounds, [0, 0, 0, 0], 0.5), undefined);
  assertEquals(quantileOf(bounds, [10, 0, 0, 0], 0.5), 0.5);
  assertEquals(quantileOf(bounds, [0, 10, 0, 0], 0.5), 1.5);
  assertEquals(quantileOf(bounds, [5, 5, 10, 0], 0.5), 2);
  assertEquals(quantileOf(bounds, [5, 5, 10, 0], 0.75), 3);
  assertEquals(quantileOf(bounds, [5, 5, 10, 0], 1), 4);
  // Of what exceeds every bound, only that is known.
  assertEquals(quantileOf(bounds, [0, 0, 0, 3], 0.5), 4);
});

Deno.test("secondsBetween() survives the turn of microseconds() at 2^32", () => {
  const nearEnd = (2 ** 32 - 1_000_000) | 0;
  assertEquals(secondsBetween(nearEnd, 500_000 | 0), 1.5);
  const start = microseconds();
  assertEquals(Number.isInteger(start), true);
  const passed = secondsBetween(start, microseconds());
  assert(passed >= 0 && passed < 60, String(passed));
});
