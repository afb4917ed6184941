/**
 * `deno task logs`: shows what servers and clients have logged.
 *
 * @module
 */

import { linesOf } from "../shared/lines.ts";
import { runCommand } from "./command.ts";
import { TASK, TaskError, unlessNotFound } from "./project.ts";
import { ComposeProject } from "./run/docker.ts";
import { LOG_FILE } from "./run/printer.ts";
import { isAlive, readRunRecord } from "./run/run_lock.ts";

const USAGE = `Shows the lines of the current run, or else of the last one.

Usage: ${TASK} logs [--follow] [NAME...]

  NAME       show only the lines of these services, such as server1, client3 or node2
  --follow   continue until the run ends
  --help     show this text`;

/** How often a file that is followed is checked for new lines. */
const POLL_MS = 200;

async function run({ follow }: { follow: boolean }, names: string[]): Promise<number> {
  const { pid } = await readRunRecord();
  if (isAlive(pid) || !await showContainers(follow, names)) {
    await showFile(names, () => follow && isAlive(pid));
  }
  return 0;
}

/** Shows the lines of containers that were started without `up`. Returns whether there are any. */
async function showContainers(follow: boolean, names: string[]): Promise<boolean> {
  const [project] = await ComposeProject.findAll();
  if (project === undefined) return false;
  await project.show(["logs", ...(follow ? ["--follow"] : []), ...names]);
  return true;
}

/** Shows the file that `up` writes, and what is added to it while `isGrowing`. */
async function showFile(names: string[], isGrowing: () => boolean): Promise<void> {
  using file = await unlessNotFound(Deno.open(LOG_FILE)) ?? null;
  if (file === null) {
    throw new TaskError(`Nothing has been logged yet. To start the lottery, run: ${TASK} up`);
  }
  let shown = 0;
  for await (const line of linesOf(contentOf(file, isGrowing))) {
    if (names.length > 0 && !names.includes(line.split(/ *\|/)[0])) continue;
    console.log(line);
    shown++;
  }
  if (shown > 0 || names.length === 0) return;
  throw new TaskError(
    `There are no lines of ${names.join(", ")}: names are like server1, client3 and node2`,
  );
}

async function* contentOf(
  file: Deno.FsFile,
  isGrowing: () => boolean,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const wasGrowing = isGrowing();
    const count = await file.read(buffer);
    if (count !== null) yield buffer.subarray(0, count);
    else if (!wasGrowing) return;
    else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

if (import.meta.main) {
  const options = { follow: { type: "boolean", default: false } } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, allowPositionals: true, run }));
}
