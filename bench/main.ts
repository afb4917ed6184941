/**
 * The benchmarks: `deno task bench [--quick] [--json]`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { TASK } from "../tools/flags.ts";
import { LoadThread } from "./load_thread.ts";
import { examineMachine, showMachine } from "./machine.ts";
import { SECTIONS } from "./sections.ts";
import { SIZES } from "./sizes.ts";
import { Volume } from "./volume.ts";
import { Workplace } from "./workplace.ts";

const USAGE =
  `Measures how fast bets are stored for good, how long a draw takes, and how programs start.

Usage: ${TASK} bench [SECTION...] [--quick] [--json] [--folder PATH]

Sections, all of them if none is named: ${Object.keys(SECTIONS).join(", ")}

  --quick   a few cases, in less than a minute
  --smoke   as little as shows that everything works: its figures mean nothing
  --json    one JSON object instead of tables
  --folder  where to put files, up to 2 GB; its disk is measured [the folder for temporary files]
  --help    this text

Each figure is the median of several runs, with the least and the greatest beside it. docs/performance.md says
what it means, and what the floor is that it is compared with.`;

const EXIT_USAGE = 2;
/** Signals that end a run early, and the exit codes that tell it. Windows does not know the last two. */
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
  const unknown = positionals.find((name) => !(name in SECTIONS));
  if (unknown !== undefined) throw new TypeError(`Unknown section '${unknown}'`);
  const names = Object.keys(SECTIONS);
  return {
    ...values,
    folder: values.folder === undefined ? undefined : existingFolder(values.folder),
    sizeName: values.smoke ? "smoke" : values.quick ? "quick" : "full",
    sections: positionals.length > 0 ? names.filter((name) => positionals.includes(name)) : names,
  } as const;
}

/** The whole path of a folder: programs are started elsewhere. */
function existingFolder(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (cause) {
    throw new TypeError(`Cannot use --folder ${path}: ${(cause as Error).message}`, { cause });
  }
}

type CommandLine = ReturnType<typeof readCommandLine>;

function start(): CommandLine {
  try {
    return readCommandLine();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    Deno.exit(EXIT_USAGE);
  }
}

/** Removes all traces of a run that is ended early. */
function endOnSignals(workplace: Workplace): void {
  for (const [signal, code] of SIGNALS) {
    Deno.addSignalListener(signal, async () => {
      Deno.exitCode = code;
      await workplace[Symbol.asyncDispose]();
      Deno.exit();
    });
  }
}

async function measure(workplace: Workplace, commandLine: CommandLine): Promise<void> {
  const { json, sections, sizeName } = commandLine;
  const print = (text: string) => json || console.log(text);
  const size = SIZES[sizeName];
  const { pace } = size;
  const machine = examineMachine(workplace.path);
  print(showMachine(machine));
  using thread = new LoadThread();
  const context = { workplace, thread, volume: new Volume(workplace), pace };
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
if (commandLine.help) {
  console.log(USAGE);
  Deno.exit(0);
}
const workplace = await Workplace.open(commandLine.folder);
endOnSignals(workplace);
try {
  await measure(workplace, commandLine);
} catch (error) {
  // A run that a signal has ended fails as well: its processes are gone.
  if (!workplace.isClosed) {
    console.error((error as Error).message);
    Deno.exitCode = 1;
  }
} finally {
  await workplace[Symbol.asyncDispose]();
}
Deno.exit();
