/**
 * Fault runs of any length: `./denow run -A e2e/faults/main.ts kills --count 1000 --seed 7`.
 *
 * @module
 */

import { findMissing } from "../../testing/needs.ts";
import { Program } from "../../testing/program.ts";
import { integerFlag, runCommand, UsageError } from "../../tools/command.ts";
import { NODE_PROTECTIONS, PROTECTIONS } from "./protections.ts";
import { attempt, SCENARIOS } from "./scenarios/mod.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { describeFailure, describeFigures, type RunOptions } from "./verdict.ts";

const SEED_MAX = 2 ** 32 - 1;
const COUNT_MAX = 1_000_000;

const UNSAFE: readonly string[] = [...PROTECTIONS, ...NODE_PROTECTIONS];

const RUNS = Object.entries(SCENARIOS).map(([name, { summary, count }]) =>
  `  ${name.padEnd(18)} ${summary} (${count})`
);

const USAGE =
  `Breaks servers, clients, disk and network on purpose. Checks that every promise is kept.

Usage: ./denow run -A e2e/faults/main.ts RUN... [options]

Runs, each with its default count:
${RUNS.join("\n")}
  all            every run

Options:
  --count N      how many times to break something, 1 to ${COUNT_MAX}
  --seed N       seed of the schedule, 0 to ${SEED_MAX}; random by default
  --unsafe NAME  switch a protection off in all servers, to see that the check notices:
                 ${UNSAFE.join(", ")}
  --help         show this text

Exit codes: 0 every promise kept, 1 a promise broken, 2 invalid arguments. A run is skipped, with
the reason, if this machine lacks something it needs: root, strace or loop devices.`;

/** The flags as given. */
interface Flags {
  count?: string;
  seed?: string;
  unsafe?: string;
}

/** Reads the options of the runs. Without a count, each run takes its default. */
function readOptions({ count, seed, unsafe }: Flags): Omit<RunOptions, "count"> & {
  count?: number;
} {
  const protections = unsafe?.split(",") ?? [];
  const unknown = protections.find((name) => !UNSAFE.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--unsafe is "${unknown}": give one of ${UNSAFE.join(", ")}`);
  }
  const randomSeed = crypto.getRandomValues(new Uint32Array(1))[0];
  return {
    seed: integerFlag("seed", seed, { min: 0, max: SEED_MAX, default: randomSeed }),
    count: count === undefined
      ? undefined
      : integerFlag("count", count, { min: 1, max: COUNT_MAX }),
    unsafe: protections,
  };
}

/** Returns the names of the requested runs. */
function readNames(names: string[]): string[] {
  if (names.length === 0) throw new UsageError("Give the name of a run, or --help");
  const unknown = names.find((name) => name !== "all" && !(name in SCENARIOS));
  if (unknown !== undefined) throw new UsageError(`There is no run "${unknown}": see --help`);
  return names.includes("all") ? Object.keys(SCENARIOS) : names;
}

/** Runs one scenario and prints its verdict; returns whether every promise was kept. */
async function run(name: string, scenario: Scenario, options: RunOptions): Promise<boolean> {
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

if (import.meta.main) {
  Deno.exit(
    await runCommand({
      usage: USAGE,
      options: { count: { type: "string" }, seed: { type: "string" }, unsafe: { type: "string" } },
      allowPositionals: true,
      async run(flags, positionals) {
        const names = readNames(positionals);
        const options = readOptions(flags);
        if (Deno.build.os !== "windows") killChildrenOnSignal();
        let isKept = true;
        for (const name of names) {
          const scenario = SCENARIOS[name];
          const count = options.count ?? scenario.count;
          isKept = await run(name, scenario, { ...options, count }) && isKept;
        }
        return isKept ? 0 : 1;
      },
    }),
  );
}
