/**
 * Fault runs of any length: `deno run -A e2e/faults/main.ts kills --count 1000 --seed 7`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runScenario, type Scenario, SCENARIOS } from "./scenarios/mod.ts";
import { Program } from "../../testing/program.ts";
import { PROTECTIONS } from "./protections.ts";
import { describeFailure, describeFigures, type RunOptions } from "./verdict.ts";

const SEED_MAX = 2 ** 32 - 1;

/** One wanted run. */
interface Wanted {
  name: string;
  scenario: Scenario;
  options: RunOptions;
}

function usage(): string {
  const runs = Object.entries(SCENARIOS).map(([name, { summary, count }]) =>
    `  ${name.padEnd(14)} ${summary} (${count})`
  );
  return `Breaks servers, clients, disk and network on purpose, and checks that every promise is kept.

Use: deno run -A e2e/faults/main.ts RUN… [--count N] [--seed N] [--unsafe NAME]

Runs, with how many faults if --count does not say it:
${runs.join("\n")}
  all            every one of them

  --count N      how many faults
  --seed N       where chance begins, 0 to ${SEED_MAX}; a random one if missing
  --unsafe NAME  switch a protection off in all servers, to see that the check notices:
                 ${PROTECTIONS.join(", ")}
  --help         this text

Exit codes: 0 every promise kept, 1 a promise broken, 2 usage. A run that lacks something here (root,
strace, loop devices) is passed over, and says so.`;
}

/** Reads the command line; a text is what is wrong with it. */
function readArguments(args: string[]): Wanted[] | string | "help" {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        count: { type: "string" },
        seed: { type: "string" },
        unsafe: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    return (error as Error).message;
  }
  const { values, positionals } = parsed;
  if (values.help) return "help";
  if (positionals.length === 0) return "Which run?";
  const names = positionals.includes("all") ? Object.keys(SCENARIOS) : positionals;
  const unknown = names.find((name) => !(name in SCENARIOS));
  if (unknown !== undefined) return `There is no run ${JSON.stringify(unknown)}`;
  const seed = integer(values.seed, { min: 0, max: SEED_MAX });
  const count = integer(values.count, { min: 1, max: 1_000_000 });
  if (Number.isNaN(seed)) return `--seed ${values.seed} is no integer from 0 to ${SEED_MAX}`;
  if (Number.isNaN(count)) return `--count ${values.count} is no integer from 1 to 1000000`;
  const unsafe = values.unsafe?.split(",") ?? [];
  const noSwitch = unsafe.find((name) => !PROTECTIONS.includes(name));
  if (noSwitch !== undefined) return `--unsafe ${noSwitch} is none of ${PROTECTIONS.join(", ")}`;
  const chosen = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
  return names.map((name) => {
    const scenario = SCENARIOS[name];
    return { name, scenario, options: { seed: chosen, count: count ?? scenario.count, unsafe } };
  });
}

function integer(text: string | undefined, { min, max }: { min: number; max: number }) {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : NaN;
}

/** Runs one and tells how it went; returns whether every promise was kept. */
async function run({ name, scenario, options }: Wanted): Promise<boolean> {
  const lack = scenario.lacks();
  if (lack !== undefined) {
    console.log(`${name}: skipped: ${lack}`);
    return true;
  }
  console.log(`${name}: ${scenario.summary} | count: ${options.count} | seed: ${options.seed}`);
  const { faults, figures } = await runScenario(name, options);
  console.log(`${name}: ${describeFigures(figures)}`);
  if (faults.length > 0) console.error(describeFailure(name, options, faults));
  else console.log(`${name}: every promise kept`);
  return faults.length === 0;
}

/** Who is interrupted leaves no process behind; folders in the system's place for such may stay. */
function endChildrenOnSignal(): void {
  for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      Program.killAll();
      Deno.exit(exitCode);
    });
  }
}

async function main(): Promise<number> {
  const wanted = readArguments(Deno.args);
  if (typeof wanted === "string") {
    if (wanted !== "help") console.error(`${wanted}\n`);
    console.log(usage());
    return wanted === "help" ? 0 : 2;
  }
  if (Deno.build.os !== "windows") endChildrenOnSignal();
  let isKept = true;
  for (const one of wanted) isKept = await run(one) && isKept;
  return isKept ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
