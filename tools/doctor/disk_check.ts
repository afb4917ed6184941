/**
 * Checks whether the disk of a volume can be written, how long a durable write takes, and how much
 * room there is.
 *
 * @module
 */

import { statfsSync } from "node:fs";
import { withDeadline } from "../../shared/deadline.ts";
import type { Finding } from "./finding.ts";

const APPENDS = 50;
/** The client's largest packet. */
const APPEND_BYTES = 8192;
/** Above this, an agency that sends 100 bets per packet sends fewer than 5,000 bets per second. */
const SLOW_SYNC_MS = 20;
/** A disk that takes longer is considered hung. */
const SYNC_TIMEOUT_MS = 30_000;
const FREE_BYTES_FAULT = 16 * 1024 * 1024;
const FREE_BYTES_WARNING = 512 * 1024 * 1024;

/** Measures durable appends to a file in `folder`. */
export async function checkDisk(folder: string): Promise<Finding> {
  let tookMs: number[];
  try {
    tookMs = await timeAppends(`${folder}/appends`);
  } catch (error) {
    return judgeFailedAppend((error as Error).message);
  }
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
  const text = `writable; write and fdatasync of ${APPEND_BYTES} bytes take ${formatMs(p50)} ` +
    `(p50), ${formatMs(p99)} (p99 of ${APPENDS})`;
  if (p50 <= SLOW_SYNC_MS) return { level: "ok", text };
  return {
    level: "warning",
    text: `${text}: slow, and every round of bets waits for it; use a faster disk, or larger ` +
      "batches (CLI_BATCH_SIZE)",
  };
}

/** Judges a disk on which a durable append has failed. */
export function judgeFailedAppend(message: string): Finding {
  const advice = /^No space left|^Disk quota/.test(message)
    ? "make room: bets are refused until there is some"
    : "check the disk before you use it (dmesg, SMART): servers stop on a failing disk";
  return { level: "fault", text: `8 KB could not be written durably (${message}): ${advice}` };
}

async function timeAppends(path: string): Promise<number[]> {
  using file = Deno.openSync(path, { write: true, createNew: true });
  const bytes = crypto.getRandomValues(new Uint8Array(APPEND_BYTES));
  const tookMs: number[] = [];
  for (let append = 0; append < APPENDS; append++) {
    const begin = performance.now();
    for (let written = 0; written < bytes.length;) {
      written += file.writeSync(bytes.subarray(written));
    }
    await withDeadline(file.syncData(), {
      timeoutMs: SYNC_TIMEOUT_MS,
      error: () => new Error(`fdatasync takes more than ${SYNC_TIMEOUT_MS / 1000} s`),
    });
    tookMs.push(performance.now() - begin);
  }
  return tookMs;
}

/** Returns the value that the given share of all values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function formatMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

/** Checks the room on the file system of `folder`. */
export function checkSpace(folder: string): Finding {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  return judgeSpace({ freeBytes: bavail * bsize, freeFiles: files === 0 ? Infinity : ffree });
}

/** Room on a file system. */
export interface Space {
  freeBytes: number;
  /** Files that can still be created; infinite if there is no limit. */
  freeFiles: number;
}

/** Judges the room on a file system. */
export function judgeSpace({ freeBytes, freeFiles }: Space): Finding {
  const text = `${formatBytes(freeBytes)} free`;
  if (freeFiles < 10) {
    return { level: "fault", text: `${text}, but no file can be created: remove some` };
  }
  const level = freeBytes < FREE_BYTES_FAULT
    ? "fault"
    : freeBytes < FREE_BYTES_WARNING
    ? "warning"
    : "ok";
  if (level === "ok") return { level, text };
  return { level, text: `${text}: bets are refused once the disk is full; make room` };
}

function formatBytes(bytes: number): string {
  const [size, unit] = bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${size < 10 ? size.toFixed(1) : Math.floor(size)} ${unit}`;
}
