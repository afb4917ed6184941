/**
 * Every fault run in its short form. For long ones: `./denow run -A e2e/faults/main.ts --help`.
 *
 * @module
 */

import { unlessMissing } from "./requirements.ts";
import { attempt, SCENARIOS } from "./scenarios/mod.ts";
import { describeFailure } from "./verdict.ts";

const SEED = 7;
/** Seeds of a run that needs more than one: `kills` gives servers ports of their own only with an odd seed. */
const SEEDS: Record<string, number[]> = { kills: [7, 8] };

for (const [name, { summary, count, missing, run }] of Object.entries(SCENARIOS)) {
  for (const seed of SEEDS[name] ?? [SEED]) {
    const title = `lottery keeps every promise: ${summary} (count ${count}, seed ${seed})`;
    Deno.test({
      ...unlessMissing(title, missing()),
      fn: async () => {
        const options = { seed, count };
        const { faults } = await attempt(() => run(options));
        if (faults.length > 0) throw new Error(describeFailure(name, options, faults));
      },
    });
  }
}
