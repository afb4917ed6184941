/**
 * The note of a failed disk: disk-failure.json on the volume. After a failed sync the kernel treats lost data
 * as written, so a restarted server would work as if nothing had happened. The note keeps servers from
 * starting until an operator has looked at the disk.
 *
 * @module
 */

import { type Disk, readFully, writeAll } from "../disk.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { DISK_FAILURE_FILE } from "./volume_files.ts";

const NOTE_BYTES_MAX = 4096;

/** Leaves a note that the disk has failed. If the note cannot be written, the server stops anyway. */
export function noteDiskFailure(disk: Disk, error: Error): void {
  try {
    const file = disk.open(DISK_FAILURE_FILE);
    const note = { failedAt: new Date().toISOString(), error: error.message };
    writeAll(file, new TextEncoder().encode(`${JSON.stringify(note)}\n`), 0);
    file.syncNow();
    file.close();
    disk.syncFolder();
  } catch {
    // Stopping must not depend on a disk that has failed.
  }
}

/**
 * Makes sure that no server has left a note.
 *
 * @throws {FatalLedgerError} If one has.
 */
export function assertNoDiskFailure(disk: Disk): void {
  const note = readNote(disk);
  if (note === "") return;
  throw new FatalLedgerError(
    `Cannot start: the disk has failed before, as ${DISK_FAILURE_FILE} on the volume says: ${note}. ` +
      "Check the disk and the bets (./denow task check), then clear the note with " +
      "./denow task check --clear-disk-failure",
  );
}

function readNote(disk: Disk): string {
  if (!disk.exists(DISK_FAILURE_FILE)) return "";
  const file = disk.open(DISK_FAILURE_FILE);
  try {
    const bytes = new Uint8Array(NOTE_BYTES_MAX);
    return new TextDecoder().decode(bytes.subarray(0, readFully(file, bytes, 0))).trim() || "{}";
  } finally {
    file.close();
  }
}
