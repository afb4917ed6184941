/**
 * `deno task logs`: what servers and clients have logged.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { ComposeProject, dockerFault } from "./run/docker.ts";
import { runTask, TASK, TaskError } from "./flags.ts";
import { PROJECT_ROOT, unlessNotFound } from "./project.ts";
import { readRunRecord } from "./run/run_lock.ts";
import { isAlive } from "./run/running.ts";
import { logFile } from "./up.ts";

const USAGE = `Shows the lines of the run that is going on, or of the last one.

Usage: ${TASK} logs [--follow] [NAME...]

  NAME       only the lines of these, such as server1 or client3
  --follow   go on as long as the run goes on
  --help     this text`;

/** How often a file that is followed is looked at. */
const LOOK_MS = 200;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      follow: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { pid } = await readRunRecord(PROJECT_ROOT);
  if (!isAlive(pid) && await showContainers(values.follow, positionals)) return 0;
  await showFile(values.follow ? () => isAlive(pid) : () => false, positionals);
  return 0;
}

/** Shows the lines of containers that somebody has started without `deno task up`. */
async function showContainers(follow: boolean, names: string[]): Promise<boolean> {
  if (await dockerFault() !== undefined) return false;
  const project = new ComposeProject(PROJECT_ROOT);
  if (!await project.exists()) return false;
  await project.show(["logs", ...(follow ? ["--follow"] : []), ...names]);
  return true;
}

/** Shows what `deno task up` has kept; goes on while `isGoingOn`. */
async function showFile(isGoingOn: () => boolean, names: string[]): Promise<void> {
  let shown = 0;
  const file = await unlessNotFound(Deno.open(logFile(PROJECT_ROOT)));
  if (file === undefined) {
    throw new TaskError(`There are no lines yet: start the lottery with: ${TASK} up`);
  }
  using _file = file;
  const isAsked = (line: string) => names.length === 0 || names.includes(line.split(/ *\|/)[0]);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let rest = "";
  for (;;) {
    const wasGoingOn = isGoingOn();
    const count = await file.read(buffer);
    if (count !== null) {
      const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split(
        "\n",
      );
      rest = lines.pop() ?? "";
      for (const line of lines.filter(isAsked)) {
        console.log(line);
        shown++;
      }
    } else if (!wasGoingOn) break;
    else await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  if (shown === 0 && names.length > 0) {
    throw new TaskError(
      `There are no lines of ${names.join(", ")}: names are such as server1 and client3`,
    );
  }
}

if (import.meta.main) Deno.exit(await runTask(run));
