/**
 * Every fault run, short. Long ones: `deno run -A e2e/faults/main.ts --help`.
 *
 * @module
 */

import { runScenario, SCENARIOS } from "./scenarios/mod.ts";
import { unlessLacking } from "./tools_at_hand.ts";
import { describeFailure } from "./verdict.ts";

/** Servers on ports of their own with an odd seed, on one shared port with an even one. */
const SEEDS: Record<string, number[]> = { kills: [7, 8] };
const SEED = 7;

for (const [name, { summary, count, lacks }] of Object.entries(SCENARIOS)) {
  for (const seed of SEEDS[name] ?? [SEED]) {
    const title = `lottery keeps every promise: ${summary} (${count}, seed ${seed})`;
    Deno.test({
      ...unlessLacking(title, lacks()),
      fn: async () => {
        const options = { seed, count };
        const { faults } = await runScenario(name, options);
        if (faults.length > 0) throw new Error(describeFailure(name, options, faults));
      },
    });
  }
}
