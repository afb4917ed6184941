/**
 * How a server enters a volume: it recovers from the redo logs if no server is running, and creates its own log,
 * without releasing the lock of bets.csv in between.
 *
 * @module
 */

import { FatalLedgerError } from "../fatal_error.ts";
import type { KnownRows } from "./checkpoint_file.ts";
import { EPOCH_ENDED } from "./checkpoints.ts";
import { findLogs, readRecords } from "./log_files.ts";
import { RedoLog } from "./redo_log.ts";
import { NO_EARLIER_SERVER } from "./round_journal.ts";
import {
  durableSizeOf,
  recoverVolume,
  type RecoverVolumeOptions,
  type VolumeFiles,
} from "./volume_recovery.ts";

/** Options of {@linkcode enterVolume}. */
export interface EnterVolumeOptions
  extends Pick<RecoverVolumeOptions, "lottery" | "rules" | "log"> {
  /** Size of the server's log. */
  logBytes: number;
}

/** A server's place on a volume. */
export interface VolumeEntry {
  epoch: number;
  /** Bytes of bets.csv that are durable. */
  size: number;
  log: RedoLog;
  /** Rows that need no judgment if they are still the same. */
  known: KnownRows;
}

/** Whether the volume holds bets that were acknowledged. The lock of bets.csv is held. */
export function isUsed({ disk, journal, checkpoint }: VolumeFiles): boolean {
  if (durableSizeOf(checkpoint.read(), journal.read()) > 0) return true;
  const { live, dead } = findLogs(disk);
  return readRecords(disk, [...live, ...dead]).length > 0;
}

/** Enters a volume. The locks of bets.csv and of the checkpoint are held. */
export async function enterVolume(
  files: VolumeFiles,
  { logBytes, ...options }: EnterVolumeOptions,
): Promise<VolumeEntry> {
  const { live, dead } = findLogs(files.disk);
  const found = live.length === 0 ? await recover(files, { ...options, logs: dead }) : join(files);
  return { ...found, log: RedoLog.create(files.disk, logBytes) };
}

/** Recovers a volume on which no server lives. */
async function recover(
  files: VolumeFiles,
  options: RecoverVolumeOptions,
): Promise<Omit<VolumeEntry, "log">> {
  const { checkpoint: { epoch, size, known } } = await recoverVolume(files, options);
  return { epoch, size, known };
}

/** Joins servers that are running. */
function join({ journal, checkpoint }: VolumeFiles): Omit<VolumeEntry, "log"> {
  if (journal.read().earlier !== undefined) throw new FatalLedgerError(NO_EARLIER_SERVER);
  const { last, finishedSize: size } = checkpoint.read();
  if (last === undefined) throw new FatalLedgerError(EPOCH_ENDED);
  return { epoch: last.epoch, size, known: last.known };
}

/**
 * Removes the logs of servers that were killed, once all their rounds are durable in bets.csv. The lock of
 * bets.csv is held.
 *
 * @param size Bytes that are durable.
 */
export function removeDeadLogs({ disk }: Pick<VolumeFiles, "disk">, size: number): void {
  for (const name of findLogs(disk).dead) {
    const isNeeded = readRecords(disk, [name]).some(({ from, rows }) => from + rows.length > size);
    if (!isNeeded) disk.remove(name);
  }
}
