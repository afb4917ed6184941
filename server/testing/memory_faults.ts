/**
 * What can go wrong at an operation of a disk in memory.
 *
 * @module
 */

import type { MemoryProcess } from "./memory_disk.ts";

/** The operations of a disk. */
export type OperationKind =
  | "open"
  | "syncFolder"
  | "size"
  | "isCurrent"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "tryLock"
  | "lock"
  | "unlock";

/** One operation, as it is passed to {@linkcode MemoryDisk.fault}. */
export interface Operation {
  /** Counted from 1 over all processes. */
  number: number;
  kind: OperationKind;
  /** The name of the file. That of a redo log is {@linkcode LOG_PREFIX}, whichever it is. */
  file: string;
  process: MemoryProcess;
}

/** The fault of an operation. */
export type Fault =
  /** It throws, but a write leaves its first `bytes` in the file. */
  | { kind: "fail"; bytes?: number }
  /** A write accepts only this many bytes, and returns that number. */
  | { kind: "short"; bytes: number }
  /** Its process is killed, but a write leaves its first `bytes` in the file. */
  | { kind: "kill"; bytes?: number };

/** The calling process was killed: its operations no longer have an effect. */
export class ProcessKilled extends Error {
  override name = "ProcessKilled";
}
