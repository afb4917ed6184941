/**
 * The benchmarks: `deno task bench [SECTION...] [--quick] [--json]`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { TASK } from "../tools/project.ts";
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
  --folder  where to put files, up to 2 GB; its disk is measured [the folder for temporary files]
  --help    this text

Each figure is the median of several runs, followed by the least and the greatest. "noise" (null in JSON) is a
difference to a floor that is not above zero. docs/performance.md explains the figures and the floors.`;

const EXIT_USAGE = 2;
/** Signals that end a run early, and the exit codes that report them. Windows has only the first. */
const SIGNALS: readonly [Deno.Signal, number][] = Deno.build.os === "windows"
  ? [["SIGINT", 130]]
  : [["SIGINT", 130], ["SIGHUP", 129], ["SIGTERM", 143]];

function readCommandLine() {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      smoke: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      folder: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const names = Object.keys(SECTIONS);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`Unknown section '${unknown}'`);
  return {
    ...values,
    folder: values.folder === undefined ? undefined : absoluteFolder(values.folder),
    sizeName: values.smoke ? "smoke" : values.quick ? "quick" : "full",
    sections: positionals.length > 0 ? names.filter((name) => positionals.includes(name)) : names,
  } as const;
}

type CommandLine = ReturnType<typeof readCommandLine>;

/** Returns the absolute path of a folder, because programs run in another one. */
function absoluteFolder(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (cause) {
    throw new TypeError(`Cannot use --folder ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Reads the command line, or explains it and exits. */
function start(): CommandLine {
  try {
    const commandLine = readCommandLine();
    if (!commandLine.help) return commandLine;
    console.log(USAGE);
    Deno.exit(0);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    Deno.exit(EXIT_USAGE);
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

async function measure(folder: string, commandLine: CommandLine): Promise<void> {
  const { json, sections, sizeName } = commandLine;
  const print = (text: string) => json || console.log(text);
  const size = SIZES[sizeName];
  const { pace } = size;
  const machine = examineMachine(folder);
  print(formatMachine(machine));
  using thread = new LoadThread();
  const context = { folder, thread, volume: new PreparedVolume(`${folder}/volume`), pace };
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

const commandLine = start();
endOnSignals();
try {
  await using folder = tempFolder(commandLine.folder);
  await measure(folder.path, commandLine);
} catch (error) {
  // A signal explains the failure that it causes.
  if (Deno.exitCode === 0) {
    console.error((error as Error).message);
    Deno.exitCode = 1;
  }
}
Deno.exit();
