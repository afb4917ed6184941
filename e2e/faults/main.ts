/**
 * Fault runs of any length: `./denow run -A e2e/faults/main.ts kills --count 1000 --seed 7`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { findMissing } from "../../testing/needs.ts";
import { Program } from "../../testing/program.ts";
import { PROTECTIONS } from "./protections.ts";
import { attempt, type Scenario, SCENARIOS } from "./scenarios/mod.ts";
import { describeFailure, describeFigures, type RunOptions } from "./verdict.ts";

const SEED_MAX = 2 ** 32 - 1;
const COUNT_MAX = 1_000_000;

const OPTIONS = {
  count: { type: "string" },
  seed: { type: "string" },
  unsafe: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** One requested run. */
interface Request {
  name: string;
  scenario: Scenario;
  options: RunOptions;
}

function usage(): string {
  const runs = Object.entries(SCENARIOS).map(([name, { summary, count }]) =>
    `  ${name.padEnd(14)} ${summary} (${count})`
  );
  return `Breaks servers, clients, disk and network on purpose, and checks that every promise is kept.

Usage: ./denow run -A e2e/faults/main.ts RUN... [options]

Runs, each with its default count:
${runs.join("\n")}
  all            every run

Options:
  --count N      how many times to break something, 1 to ${COUNT_MAX}
  --seed N       seed of the schedule, 0 to ${SEED_MAX}; random by default
  --unsafe NAME  switch a protection off in all servers, to see that the check notices:
                 ${PROTECTIONS.join(", ")}
  -h, --help     show this text

Exit codes: 0 every promise kept, 1 a promise broken, 2 usage error. A run is skipped, with the reason, if
this machine lacks something it needs: root, strace or loop devices.`;
}

/**
 * Reads the command line.
 *
 * @returns The requested runs; "help"; or what is wrong with the arguments.
 */
function readArguments(args: string[]): Request[] | "help" | { mistake: string } {
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  } catch (error) {
    return { mistake: (error as Error).message };
  }
  const { values, positionals } = parsed;
  if (values.help) return "help";
  const seed = integer(values.seed, { min: 0, max: SEED_MAX });
  const count = integer(values.count, { min: 1, max: COUNT_MAX });
  const unsafe = values.unsafe?.split(",") ?? [];
  const unknownRun = positionals.find((name) => name !== "all" && !(name in SCENARIOS));
  const unknownName = unsafe.find((name) => !PROTECTIONS.some((known) => known === name));
  if (positionals.length === 0) return { mistake: "no run given" };
  if (unknownRun !== undefined) return { mistake: `unknown run "${unknownRun}"` };
  if (Number.isNaN(seed)) return { mistake: `--seed must be an integer from 0 to ${SEED_MAX}` };
  if (Number.isNaN(count)) return { mistake: `--count must be an integer from 1 to ${COUNT_MAX}` };
  if (unknownName !== undefined) return { mistake: `unknown protection "${unknownName}"` };
  const chosenSeed = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
  const names = positionals.includes("all") ? Object.keys(SCENARIOS) : positionals;
  return names.map((name) => {
    const scenario = SCENARIOS[name];
    const options = { seed: chosenSeed, count: count ?? scenario.count, unsafe };
    return { name, scenario, options };
  });
}

/** Returns the integer that `text` names; undefined without a text, NaN if it is invalid. */
function integer(text: string | undefined, { min, max }: { min: number; max: number }) {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : NaN;
}

/** Runs one scenario and prints its verdict; returns whether every promise was kept. */
async function run({ name, scenario, options }: Request): Promise<boolean> {
  const missing = findMissing(scenario.needs);
  if (missing !== undefined) {
    console.log(`${name}: skipped: needs ${missing}`);
    return true;
  }
  console.log(`${name}: ${scenario.summary} | count: ${options.count} | seed: ${options.seed}`);
  const { faults, figures } = await attempt(() => scenario.run(options));
  console.log(`${name}: ${describeFigures(figures)}`);
  if (faults.length > 0) console.error(describeFailure(name, options, faults));
  else console.log(`${name}: every promise kept`);
  return faults.length === 0;
}

/** Kills all child processes when this one is interrupted. Temporary folders may remain. */
function killChildrenOnSignal(): void {
  for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      Program.killAll();
      Deno.exit(exitCode);
    });
  }
}

async function main(): Promise<number> {
  const requests = readArguments(Deno.args);
  if (requests === "help") {
    console.log(usage());
    return 0;
  }
  if ("mistake" in requests) {
    console.error(`Cannot run: ${requests.mistake}\n\n${usage()}`);
    return 2;
  }
  if (Deno.build.os !== "windows") killChildrenOnSignal();
  let isKept = true;
  for (const request of requests) isKept = await run(request) && isKept;
  return isKept ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
