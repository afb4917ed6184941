/**
 * Every fault run in its short form. For long ones: `./denow run -A e2e/faults/main.ts --help`.
 *
 * @module
 */

import { needs } from "../../testing/needs.ts";
import { attempt, SCENARIOS } from "./scenarios/mod.ts";
import { describeFailure } from "./verdict.ts";

const SEED = 7;
/**
 * Seeds of a run that needs more than one: `kills` gives servers ports of their own only with an
 * odd seed.
 */
const SEEDS: Record<string, number[]> = { kills: [7, 8] };

for (const [name, { summary, count, needs: needed, run }] of Object.entries(SCENARIOS)) {
  for (const seed of SEEDS[name] ?? [SEED]) {
    const title = `lottery keeps every promise: ${summary} (count ${count}, seed ${seed})`;
    Deno.test({
      ...needs(needed, title),
      fn: async () => {
        const options = { seed, count };
        const { faults } = await attempt(() => run(options));
        if (faults.length > 0) throw new Error(describeFailure(name, options, faults));
      },
    });
  }
}
