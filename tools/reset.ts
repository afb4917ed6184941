/**
 * `deno task reset`: puts the current draw away, so that a new one can begin.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { SHARED_VOLUME, SHARED_VOLUME_NAME, TASK } from "./project.ts";
import { ComposeProject } from "./run/docker.ts";
import { hasIdentity } from "./record/volume_identity.ts";
import {
  archiveDraw,
  finishArchiving,
  isVolumeEmpty,
  recoverVolumeFiles,
} from "./record/ledger_archive.ts";
import { LEDGER_FLAG, LEDGER_FORMS } from "./run/ledger_choice.ts";
import { RunLock } from "./run/run_lock.ts";
import { resetStreams } from "./streams/reset_streams.ts";
import { isOnStreams, readToolLedger, withStreams } from "./streams/tool_ledger.ts";

const USAGE =
  `Puts the bets and closed agencies away, whether or not the draw is finished: on a volume they move to
${SHARED_VOLUME_NAME}/archive, on JetStream they stay in their streams, and a new draw begins in others. Nothing
is deleted. Servers must not be running; on JetStream those that are stop by themselves.

Usage: ${TASK} reset [--ledger LEDGER]

  --ledger   the ledger, if it is not that of LEDGER in the environment, .env or server/config.ini:
             ${LEDGER_FORMS}
  --help     show this text`;

async function run({ ledger: flag }: { ledger?: string }): Promise<number> {
  const ledger = readToolLedger({ flag, action: "reset" });
  if (!isOnStreams(ledger)) await resetVolume();
  else {
    // Of a cluster of others, nothing here can know whether its servers run.
    if (ledger.choice.kind === "nodes") await assertNotRunning();
    console.log(await withStreams(ledger, (streams) => resetStreams(streams, ledger.server)));
  }
  return 0;
}

async function assertNotRunning(): Promise<void> {
  using _lock = await RunLock.acquire();
  await ComposeProject.assertNotRunning();
}

async function resetVolume(): Promise<void> {
  using _lock = await RunLock.acquire();
  await ComposeProject.assertNotRunning();
  const interrupted = await finishArchiving(SHARED_VOLUME);
  if (interrupted !== undefined) {
    console.log(`Finished archiving the last draw to ${SHARED_VOLUME_NAME}/${interrupted}`);
  }
  await recoverVolumeFiles(SHARED_VOLUME);
  const isEmpty = await isVolumeEmpty(SHARED_VOLUME) && !await hasIdentity(SHARED_VOLUME);
  if (isEmpty) return console.log("The volume is empty");
  const folder = await archiveDraw(SHARED_VOLUME);
  console.log(`Archived the draw to ${SHARED_VOLUME_NAME}/${folder}`);
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: LEDGER_FLAG, run }));
