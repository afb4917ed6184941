/**
 * `deno task soak`: servers under load for a long time must not grow.
 *
 * @module
 */

import { Program } from "../../testing/program.ts";
import { integerFlag, runCommand, UsageError } from "../../tools/command.ts";
import { TASK } from "../../tools/project.ts";
import { formatChanges, formatSamples } from "./report.ts";
import { soak, type SoakOptions } from "./soak.ts";

/** Lines of samples that a soak prints. */
const LINES_MAX = 60;

const USAGE =
  `Keeps servers under load for a long time: none may grow after the first minute. Linux only.

Usage: ${TASK} soak [--minutes N] [--connections N] [--batches N] [--servers N]
       [--unsafe leak]

  --minutes N      how long, 1 to 10000 [30]
  --connections N  short connections in that time: a bet, a few bets, a question, one that leaves
                   before the answer or within a packet, one that idles [500000]
  --batches N      batches of 100 bets a second, on connections that stay [10]
  --servers N      servers that share the volume, 1 to 16 [3]
  --unsafe leak    servers that leak a buffer for each connection, as a control
  --help           show this text

Every five seconds it samples each server's memory, file handles, threads, log files and the delay of
its event loop. It leaves out the first minute, and compares the lows of the first and the last
quarter of the rest (a tenth of the samples are lower): 16 MiB, 16 handles, 4 threads or 1 MiB of log files more are growth.

Exit code: 0 if no server grew, all acknowledged bets are stored and all connections closed, 1 if not,
2 for an invalid argument.`;

const FLAGS = {
  minutes: { type: "string" },
  connections: { type: "string" },
  batches: { type: "string" },
  servers: { type: "string" },
  unsafe: { type: "string" },
} as const;

/** The flags as given. */
type Flags = Readonly<Partial<Record<IntegerFlag | "unsafe", string>>>;
type IntegerFlag = "minutes" | "connections" | "batches" | "servers";

function readOptions(flags: Flags): SoakOptions {
  const integer = (name: IntegerFlag, min: number, max: number, defaultValue: number) =>
    integerFlag(name, flags[name], { min, max, default: defaultValue });
  if (flags.unsafe !== undefined && flags.unsafe !== "leak") {
    throw new UsageError(`--unsafe is "${flags.unsafe}": give leak`);
  }
  return {
    servers: integer("servers", 1, 16, 3),
    seconds: 60 * integer("minutes", 1, 10_000, 30),
    connections: integer("connections", 0, 1e9, 500_000),
    batchesPerSecond: integer("batches", 0, 10_000, 10),
    isLeaking: flags.unsafe === "leak",
  };
}

/** Kills the servers when this process is interrupted. Temporary folders may remain. */
function killServersOnSignal(): void {
  for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => {
      Program.killAll();
      Deno.exit(exitCode);
    });
  }
}

async function run(flags: Flags): Promise<number> {
  const options = readOptions(flags);
  killServersOnSignal();
  let nextSeconds = 0;
  const result = await soak({
    ...options,
    onSamples: (samples) => {
      const [{ seconds }] = samples;
      if (seconds < nextSeconds) return;
      nextSeconds = seconds + options.seconds / LINES_MAX;
      console.log(formatSamples(samples));
    },
  });
  console.log(`\n${result.connections} short connections, ${result.batches} batches of 100 bets\n`);
  console.log(`${formatChanges(result)}\n`);
  for (const fault of result.faults) console.error(fault);
  const hasGrown = result.changes.some((changes) =>
    Object.values(changes).some(({ isGrowth }) => isGrowth)
  );
  if (hasGrown) console.error("A server has grown.");
  return hasGrown || result.faults.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: FLAGS, run }));
