/**
 * The benchmarks: `deno task bench [--quick] [--json]`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { TASK } from "../tools/flags.ts";
import { measureDraw, showDraw } from "./draw.ts";
import { intakeCases, measureIntake, showIntake } from "./intake.ts";

const USAGE = `Measures how fast bets are stored for good, and how long a draw takes.

Usage: ${TASK} bench [--quick] [--json]

  --quick  a few cases, in less than a minute
  --json   one JSON object instead of tables

Each figure is a median of several runs, with the least and the greatest beside it. Bets a second are
compared with a floor: a server that appends the same packets and syncs them in the same way, but neither
parses nor checks them. A cold draw is compared with \`wc -l\` of the same file.`;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
  Deno.exit(0);
}

const runs = values.quick ? 3 : 5;
const intake = [];
for (const intakeCase of intakeCases(values.quick)) {
  intake.push(await measureIntake(intakeCase, runs));
}
const draws = [await measureDraw(values.quick ? 1_000_000 : 10_000_000, runs)];

if (values.json) {
  console.log(JSON.stringify({ deno: Deno.version.deno, runs, intake, draws }, null, 2));
} else {
  console.log(`\nStoring bets: median (least to greatest) of ${runs} runs\n`);
  console.log(showIntake(intake));
  console.log("\nDrawing\n");
  console.log(showDraw(draws));
}
