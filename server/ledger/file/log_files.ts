/**
 * The redo logs of all servers on a volume.
 *
 * @module
 */

import { type Disk, type DiskFile, readFully } from "../disk.ts";
import { type LogRecord, lotteryOf, parseRecords } from "./log_record.ts";
import { LOG_PREFIX } from "./volume_files.ts";

/** What finding and reading logs needs of a disk. */
export type LogFolder = Pick<Disk, "find" | "list">;

/** The logs on a volume, by name. */
export interface FoundLogs {
  /** Those of servers that are running. */
  live: string[];
  /** Those of servers that have ended. */
  dead: string[];
}

/** The names of all logs. One that was moved aside has another suffix. */
export function logNames(disk: LogFolder): string[] {
  return disk.list(LOG_PREFIX).filter((name) => !name.slice(LOG_PREFIX.length).includes("."));
}

/** Finds the logs, and which of their servers are running. The lock of bets.csv is held: none is created meanwhile. */
export function findLogs(disk: LogFolder): FoundLogs {
  const found: FoundLogs = { live: [], dead: [] };
  for (const name of logNames(disk)) {
    const file = disk.find(name);
    if (file === undefined) continue;
    found[file.tryLock() ? "dead" : "live"].push(name);
    // This releases the lock again.
    file.close();
  }
  return found;
}

/** Reads the whole records of some logs. One that was removed meanwhile has none. */
export function readRecords(disk: LogFolder, names: readonly string[]): LogRecord[] {
  return names.flatMap((name) => {
    const file = disk.find(name);
    if (file === undefined) return [];
    try {
      return readRecordsOf(file);
    } finally {
      file.close();
    }
  });
}

function readRecordsOf(file: DiskFile): LogRecord[] {
  const bytes = new Uint8Array(file.size());
  return [...parseRecords(bytes.subarray(0, readFully(file, bytes, 0)))];
}

/** Whether a record belongs to the lottery and epoch. */
export function isOf({ lottery, epoch }: { lottery: string; epoch: number }) {
  const own = lotteryOf(lottery);
  return (record: LogRecord) => record.lottery === own && record.epoch === epoch;
}
