import { assert, assertGreater } from "@std/assert";
import { firstFailure, simulate } from "./simulation.ts";

/** `./denow test -A e2e/simulation -- --seeds=1000000` tries more. */
const seedsFlag = Deno.args.find((arg) => arg.startsWith("--seeds="))?.split("=")[1];
const SEEDS = Number(seedsFlag ?? 10_000);
/** How many seeds have the chance to show that a protection is missing. */
const CONTROL_SEEDS = 2000;

Deno.test(`simulate() keeps every promise with ${SEEDS} seeds`, async () => {
  const failure = await firstFailure(SEEDS);
  assert(failure === undefined, failure);
});

Deno.test("simulate() has incidents", async () => {
  let incidents = 0;
  for (let seed = 1; seed <= 20; seed++) incidents += await simulate(seed);
  assertGreater(incidents, 60);
});

for (const without of ["sync", "expected bets", "every close", "polls"] as const) {
  Deno.test(`simulate() breaks a promise without ${without}`, async () => {
    assert(await firstFailure(CONTROL_SEEDS, { without }) !== undefined);
  });
}
