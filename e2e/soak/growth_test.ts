import { assertEquals } from "@std/assert";
import { BOUNDS, changesOf, type Sample } from "./growth.ts";

const STEADY: Sample = {
  ...{ seconds: 0, memoryBytes: 80e6, handles: 40, threads: 8, logBytes: 4e6, delayMs: 1 },
};

/** Returns a sample a second, of which `change` changes some. */
function samples(count: number, change: (seconds: number) => Partial<Sample>): Sample[] {
  return Array.from(
    { length: count },
    (_, seconds) => ({ ...STEADY, seconds, ...change(seconds) }),
  );
}

function growing(given: readonly Sample[]): string[] {
  return Object.entries(changesOf(given, 60)).flatMap(([name, { isGrowth }]) =>
    isGrowth ? name : []
  );
}

Deno.test("changesOf() calls a steady server steady, however it fluctuates", () => {
  assertEquals(growing(samples(600, () => ({}))), []);
  const saw = (seconds: number) => ({ memoryBytes: 80e6 + (seconds % 110) * 5e5 });
  assertEquals(growing(samples(600, saw)), []);
});

Deno.test("changesOf() leaves out what a server takes while it becomes warm", () => {
  const warming = (seconds: number) => ({ memoryBytes: seconds < 60 ? seconds * 1e6 : 80e6 });
  assertEquals(growing(samples(600, warming)), []);
});

Deno.test("changesOf() finds each figure that grows by more than its bound", () => {
  for (const [name, bound] of Object.entries(BOUNDS)) {
    const grown = (seconds: number) => ({ [name]: 100 + (seconds > 460 ? bound + 1 : 0) });
    assertEquals(growing(samples(600, grown)), [name]);
    const bounded = (seconds: number) => ({ [name]: 100 + (seconds > 460 ? bound : 0) });
    assertEquals(growing(samples(600, bounded)), []);
  }
});

Deno.test("changesOf() finds a leak of 200 bytes a connection, at 100 connections a second", () => {
  assertEquals(growing(samples(1800, (seconds) => ({ memoryBytes: seconds * 20e3 }))), [
    "memoryBytes",
  ]);
});
