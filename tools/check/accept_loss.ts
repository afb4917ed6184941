/**
 * Accepts that acknowledged bets or closes are missing, so that servers start again.
 *
 * @module
 */

import { JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { TaskError } from "../project.ts";
import { processesWith } from "./file_users.ts";
import { moveAside, type Snapshot, VolumeReader } from "./volume_reader.ts";

/** Options of {@linkcode acceptLoss}. */
export interface AcceptLossOptions {
  /** The volume when the loss was found. */
  snapshot: Snapshot;
  /** How long to wait for the lock. */
  waitMs: number;
  /** The time in the new name of the journal. @default {Date.now} */
  now?: () => number;
}

/**
 * Moves the journal aside, which alone knows that the files were larger. Writes nothing else: both
 * files stay as they are.
 *
 * @returns The new name of the journal.
 * @throws {TaskError} If a process has the files open, or they are no longer as they were found.
 * @throws {LockedError} If the lock is not obtained in time.
 */
export async function acceptLoss(path: string, options: AcceptLossOptions): Promise<string> {
  const { snapshot, waitMs, now = Date.now } = options;
  using volume = new VolumeReader(path);
  return await volume.locked(waitMs, (found) => {
    if (JSON.stringify(found) !== JSON.stringify(snapshot)) {
      throw new TaskError(`The files on ${path} have changed. Nothing was changed. Check again`);
    }
    // A running server would continue with the old journal, while others use a new one.
    const [process] = processesWith(volume.files());
    if (process !== undefined) {
      throw new TaskError(`${process} uses ${path}. Nothing was changed. Stop all servers first`);
    }
    return moveAside(path, { name: JOURNAL_FILE, suffix: "lost", nowMs: now() });
  });
}
