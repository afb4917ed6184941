/**
 * `deno task backup`: copies a ledger in files, while bets are stored.
 *
 * @module
 */

import { backupVolume } from "./backup/backup_volume.ts";
import { LockedError } from "./check/volume_reader.ts";
import { integerFlag, runCommand, UsageError } from "./command.ts";
import { TASK, TaskError } from "./project.ts";
import { ledgerVolume } from "./run/ledger_volume.ts";

const USAGE =
  `Copies the bets, closed agencies, identity and certificate of a ledger in files to FOLDER, as they are at one
moment, and makes the copy durable. Servers may be running: they wait while sizes are read, for less than a
millisecond. Every bet that was acknowledged before the backup began is in it. ${TASK} restore puts it back.

Usage: ${TASK} backup --to FOLDER [--volume DIR] [--wait SECONDS]

  --to       the folder, which must be missing or empty; put it on another disk
  --volume   the folder of the ledger (default: the server's SHARED_VOLUME)
  --wait     seconds to wait for the lock of bets.csv (default: 10)
  --help     show this text

A ledger on JetStream is backed up with the tools of NATS: docs/operations.md.

Exit code:
  0  the backup is complete, durable, and has no fault
  1  it could not be written; or it was written, and what is stored has faults: ${TASK} check lists them
  2  a wrong argument or setting`;

const OPTIONS = {
  to: { type: "string" },
  volume: { type: "string" },
  wait: { type: "string" },
} as const;

async function run(
  { to, volume, wait }: { to?: string; volume?: string; wait?: string },
): Promise<number> {
  if (to === undefined || to === "") throw new UsageError("--to is missing: give a folder");
  const seconds = integerFlag("wait", wait, { min: 0, max: 3600, default: 10 });
  const path = await ledgerVolume(volume, "back up");
  try {
    const { bets, closed, faults } = await backupVolume(path, { to, waitMs: seconds * 1000 });
    console.log(`${to}: ${bets} bets, ${closed} closed agencies`);
    if (faults === 0) return 0;
    throw new TaskError(
      `What is stored has ${faults} faults, and so has the backup: list them with ${TASK} check`,
    );
  } catch (error) {
    if (error instanceof LockedError) throw new TaskError(error.message);
    throw error;
  }
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
