/**
 * The benchmarks: `deno task bench [SECTION...] [--quick] [--json]`.
 *
 * @module
 */

import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { runCommand, UsageError } from "../tools/command.ts";
import { TASK, TaskError } from "../tools/project.ts";
import { LoadThread } from "./load_thread.ts";
import { examineMachine, formatMachine } from "./machine.ts";
import { PreparedVolume } from "./prepared_volume.ts";
import { SECTIONS } from "./sections.ts";
import { SIZES } from "./sizes.ts";

const USAGE =
  `Measures how fast bets are stored durably, how long a draw takes, and how fast programs start.

Usage: ${TASK} bench [SECTION...] [--quick] [--json] [--folder PATH]

Sections: ${Object.keys(SECTIONS).join(", ")} [all]

  --quick   a few cases, in less than a minute
  --smoke   as little as shows that everything works: the figures mean nothing
  --json    one JSON object instead of tables
  --against the folder of another version of the project, whose servers take turns with ours: a git worktree
  --folder  where to put files, up to 2 GB; its disk is measured [the folder for temporary files]
  --help    this text

Each figure is the median of several runs, followed by the least and the greatest. "noise" (null in JSON) is a
difference to a floor that is not above zero. docs/performance.md explains the figures and the floors.`;

/** Signals that end a run early, and the exit codes that report them. Windows has only the first. */
const SIGNALS: readonly [Deno.Signal, number][] = Deno.build.os === "windows"
  ? [["SIGINT", 130]]
  : [["SIGINT", 130], ["SIGHUP", 129], ["SIGTERM", 143]];

const OPTIONS = {
  quick: { type: "boolean", default: false },
  smoke: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  folder: { type: "string" },
  against: { type: "string" },
} as const;

interface Flags {
  quick: boolean;
  smoke: boolean;
  json: boolean;
  folder?: string;
  against?: string;
}

/** What to measure, and how. */
interface Plan {
  json: boolean;
  /** The folder in which to put files. @default {the folder for temporary files} */
  folder?: string;
  /** The folder of another version of the project. @default {none} */
  against?: string;
  sizeName: keyof typeof SIZES;
  sections: string[];
}

function planOf({ quick, smoke, json, ...folders }: Flags, positionals: string[]): Plan {
  const names = Object.keys(SECTIONS);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`Unknown section '${unknown}'`);
  return {
    json,
    folder: absoluteFolder("--folder", folders.folder),
    against: absoluteFolder("--against", folders.against),
    sizeName: smoke ? "smoke" : quick ? "quick" : "full",
    sections: positionals.length > 0 ? names.filter((name) => positionals.includes(name)) : names,
  };
}

/** Returns the absolute path of a flag's folder, because programs run in another one. */
function absoluteFolder(flag: string, path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : Deno.realPathSync(path);
  } catch (cause) {
    throw new UsageError(`Cannot use ${flag} ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Ends the run early on a signal: without its programs, the measurement fails and removes its files. */
function endOnSignals(): void {
  for (const [signal, code] of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      Deno.exitCode = code;
      Program.killAll();
    });
  }
}

async function measure(folder: string, plan: Plan): Promise<void> {
  const { against, json, sections, sizeName } = plan;
  const print = (text: string) => json || console.log(text);
  const size = SIZES[sizeName];
  const { pace } = size;
  const machine = examineMachine(folder);
  print(formatMachine(machine));
  using thread = new LoadThread();
  const context = { folder, thread, volume: new PreparedVolume(`${folder}/volume`), pace, against };
  const results: Record<string, unknown> = {};
  for (const name of sections) {
    const { title, measure } = SECTIONS[name];
    print(`\n${title}\n`);
    const { figures, table } = await measure(context, size);
    print(table);
    results[name] = figures;
  }
  if (json) console.log(JSON.stringify({ size: sizeName, machine, pace, ...results }, null, 2));
}

async function run(flags: Flags, positionals: string[]): Promise<number> {
  const plan = planOf(flags, positionals);
  endOnSignals();
  try {
    await using folder = tempFolder(plan.folder);
    await measure(folder.path, plan);
  } catch (error) {
    // A signal explains the failure that it causes.
    if (Deno.exitCode !== 0) return Deno.exitCode;
    throw new TaskError((error as Error).message, { cause: error });
  }
  return Deno.exitCode;
}

if (import.meta.main) {
  const command = { usage: USAGE, options: OPTIONS, allowPositionals: true, run };
  Deno.exit(await runCommand(command));
}
