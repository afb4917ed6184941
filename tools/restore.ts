/**
 * `deno task restore`: puts a backup of a ledger in files onto a volume.
 *
 * @module
 */

import { restoreVolume } from "./backup/restore_volume.ts";
import { LockedError } from "./check/volume_reader.ts";
import { integerFlag, runCommand, UsageError } from "./command.ts";
import { SHARED_VOLUME, TASK, TaskError, unlessNotFound } from "./project.ts";
import { ComposeProject } from "./run/docker.ts";
import { ledgerVolume } from "./run/ledger_volume.ts";
import { RunLock } from "./run/run_lock.ts";

const USAGE =
  `Puts the ledger of a backup, or of a folder of the archive, onto the volume, so that servers continue with it.
Servers must not be running. Nothing is overwritten or deleted, and the backup stays as it is.

Usage: ${TASK} restore --from FOLDER [--archive] [--volume DIR] [--wait SECONDS]

  --from      the folder that ${TASK} backup has written
  --archive   if the volume holds a ledger, move it to the volume's archive first; otherwise nothing is done
  --volume    the folder of the ledger (default: the server's SHARED_VOLUME)
  --wait      seconds to wait for the lock of the backup's bets.csv (default: 10)
  --help      show this text

Agencies whose bets were stored after the backup notice it: start their clients again, and they send what is
missing.

Exit code:
  0  the ledger is restored, durably
  1  it is not: servers run, the volume holds a ledger, or the backup is damaged or incomplete
  2  a wrong argument or setting`;

const OPTIONS = {
  from: { type: "string" },
  archive: { type: "boolean", default: false },
  volume: { type: "string" },
  wait: { type: "string" },
} as const;

interface RestoreFlags {
  from?: string;
  archive: boolean;
  volume?: string;
  wait?: string;
}

async function run({ from, archive: archives, volume, wait }: RestoreFlags): Promise<number> {
  if (from === undefined || from === "") throw new UsageError("--from is missing: give a folder");
  const info = await unlessNotFound(Deno.stat(from));
  if (!info?.isDirectory) throw new UsageError(`--from is ${from}, which is no folder`);
  const seconds = integerFlag("wait", wait, { min: 0, max: 3600, default: 10 });
  const path = await ledgerVolume(volume, "restore", { mayBeMissing: true });
  using _lock = path === SHARED_VOLUME ? await RunLock.acquire() : undefined;
  if (path === SHARED_VOLUME) await ComposeProject.assertNotRunning();
  try {
    const options = { from, archives, waitMs: seconds * 1000 };
    const { bets, closed, archived } = await restoreVolume(path, options);
    if (archived !== undefined) console.log(`Moved the former ledger to ${path}/${archived}`);
    console.log(`Restored to ${path}: ${bets} bets, ${closed} closed agencies`);
    return 0;
  } catch (error) {
    if (error instanceof LockedError) throw new TaskError(error.message);
    throw error;
  }
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
