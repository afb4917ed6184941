/**
 * `deno task reset`: puts what is on the volume into its archive, so that a new draw can begin.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runTask, TASK } from "./flags.ts";
import { PROJECT_ROOT } from "./project.ts";
import { RunLock } from "./run/run_lock.ts";
import { assertNothingRuns } from "./run/running.ts";
import { archive, finishArchive, isVolumeEmpty, volumeOf } from "./run/volume.ts";

const USAGE =
  `Puts the bets and closed agencies into server/shared-volume/archive, whether the draw took place or not.
Nothing is deleted. Servers must not be running.

Usage: ${TASK} reset [--help]`;

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean", default: false } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  using lock = await RunLock.acquire(PROJECT_ROOT);
  await assertNothingRuns(PROJECT_ROOT);
  lock.record([]);
  const volume = volumeOf(PROJECT_ROOT);
  const interrupted = await finishArchive(volume);
  if (interrupted !== undefined) console.log(`The draw before is now whole in ${interrupted}`);
  if (await isVolumeEmpty(volume)) console.log("The volume is empty");
  else console.log(`The draw was put into server/shared-volume/${await archive(volume)}`);
  return 0;
}

if (import.meta.main) Deno.exit(await runTask(run));
