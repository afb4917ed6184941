/**
 * `deno task reset`: archives the draw on the volume, so that a new one can begin.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { SHARED_VOLUME, SHARED_VOLUME_NAME, TASK } from "./project.ts";
import { ComposeProject } from "./run/docker.ts";
import { hasIdentity } from "./run/draw_record.ts";
import { archiveDraw, finishArchiving, isVolumeEmpty } from "./run/ledger_archive.ts";
import { RunLock } from "./run/run_lock.ts";

const USAGE =
  `Moves the bets and closed agencies to ${SHARED_VOLUME_NAME}/archive, whether or not the draw is finished.
Nothing is deleted. Servers must not be running.

Usage: ${TASK} reset [--help]`;

async function run(): Promise<number> {
  using _lock = await RunLock.acquire();
  await ComposeProject.assertNotRunning();
  const interrupted = await finishArchiving(SHARED_VOLUME);
  if (interrupted !== undefined) {
    console.log(`Finished archiving the last draw to ${SHARED_VOLUME_NAME}/${interrupted}`);
  }
  const isEmpty = await isVolumeEmpty(SHARED_VOLUME) && !await hasIdentity(SHARED_VOLUME);
  if (isEmpty) console.log("The volume is empty");
  else {
    const folder = await archiveDraw(SHARED_VOLUME);
    console.log(`Archived the draw to ${SHARED_VOLUME_NAME}/${folder}`);
  }
  return 0;
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: {}, run }));
