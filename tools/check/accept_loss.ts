/**
 * Accepts that acknowledged bets or closes are missing, so that servers start again.
 *
 * @module
 */

import { CHECKPOINT_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { TaskError } from "../project.ts";
import { processesWith } from "./file_users.ts";
import { moveAside, type Snapshot, VolumeReader } from "./volume_reader.ts";

/** Options of {@linkcode acceptLoss}. */
export interface AcceptLossOptions {
  /** The volume when the loss was found. */
  snapshot: Snapshot;
  /** How long to wait for the lock. */
  waitMs: number;
  /** The time in the new names. @default {Date.now} */
  now?: () => number;
}

/**
 * Moves aside the journal, the checkpoint and the redo logs, which alone know what is missing. Writes nothing
 * else: the other files stay as they are.
 *
 * @returns The new names.
 * @throws {TaskError} If a process has the files open, or they are no longer as they were found.
 * @throws {LockedError} If the lock is not obtained in time.
 */
export async function acceptLoss(path: string, options: AcceptLossOptions): Promise<string[]> {
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
    const names = [...snapshot.logs, CHECKPOINT_FILE, JOURNAL_FILE];
    const nowMs = now();
    return names.flatMap((name) => moveAside(path, { name, suffix: "lost", nowMs }) ?? []);
  });
}
