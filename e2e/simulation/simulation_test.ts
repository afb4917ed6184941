import { assert, assertGreater } from "@std/assert";
import { FILE_PROTECTIONS, JETSTREAM_PROTECTIONS, SERVER_PROTECTIONS } from "./protections.ts";
import { firstFailure, simulate } from "./simulation.ts";

/** `./denow test -A e2e/simulation -- --seeds=1000000` tries more. */
const seedsFlag = Deno.args.find((arg) => arg.startsWith("--seeds="))?.split("=")[1];
/** How many histories each engine has: they take about as long. */
const SEEDS = { files: 3000, jetstream: 1000 } as const;
/** How many seeds have the chance to show that a protection is missing. */
const CONTROL_SEEDS = 5000;

const PROTECTIONS = {
  files: [...SERVER_PROTECTIONS, ...FILE_PROTECTIONS],
  jetstream: [...SERVER_PROTECTIONS, ...JETSTREAM_PROTECTIONS],
} as const;

for (const engine of ["files", "jetstream"] as const) {
  const seeds = Number(seedsFlag ?? SEEDS[engine]);

  Deno.test(`simulate() keeps every promise on ${engine} with ${seeds} seeds`, async () => {
    const failure = await firstFailure(seeds, { engine });
    assert(failure === undefined, failure);
  });

  Deno.test(`simulate() has incidents on ${engine}`, async () => {
    let incidents = 0;
    for (let seed = 1; seed <= 20; seed++) incidents += await simulate(seed, { engine });
    assertGreater(incidents, 60);
  });

  for (const without of PROTECTIONS[engine]) {
    Deno.test(`simulate() breaks a promise on ${engine} without ${without}`, async () => {
      assert(await firstFailure(CONTROL_SEEDS, { engine, without }) !== undefined);
    });
  }
}
