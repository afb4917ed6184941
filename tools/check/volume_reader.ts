/**
 * Reads a shared volume on which servers may be writing, and changes nothing there.
 *
 * @module
 */

import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import {
  CHECKPOINT_BYTES,
  type CheckpointState,
  parseCheckpoint,
} from "../../server/ledger/file/checkpoint_file.ts";
import { FolderDisk } from "../../server/ledger/disk.ts";
import { findLogs, readRecords } from "../../server/ledger/file/log_files.ts";
import { readRecovered, type RecoveryPlan } from "../../server/ledger/file/log_recovery.ts";
import {
  IDENTITY_BYTES_MAX,
  isComplete,
  parseIdentity,
} from "../../server/ledger/file/lottery_identity.ts";
import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { type JournalContent, readJournal } from "../../server/ledger/file/round_journal.ts";
import {
  countingRecords,
  durableSizeOf,
  planVolume,
} from "../../server/ledger/file/volume_recovery.ts";
import {
  BETS_FILE,
  CHECKPOINT_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  IDENTITY_FILE,
  JOURNAL_FILE,
} from "../../server/ledger/file/volume_files.ts";
import { withDeadline } from "../../shared/deadline.ts";
import { lockOwner } from "./file_users.ts";

/** A volume at a moment when no server was writing. */
export interface Snapshot {
  /** Size of bets.csv in bytes; nothing if the file is missing. */
  betsSize: number | undefined;
  /** Size of agencies_closed.txt in bytes; nothing if the file is missing. */
  closedSize: number | undefined;
  journal: JournalContent;
  checkpoint: CheckpointState;
  /** Whether a server is running. If none is, recovery from the redo logs is due, or done. */
  hasServers: boolean;
  /** The redo logs, by name. */
  logs: string[];
  /** Bytes of bets.csv that are known to be durable. */
  durableSize: number;
  /** Whether the journal is there and not empty. */
  hasJournal: boolean;
  /** The content of lottery.json; nothing if the file is missing. */
  identity: string | undefined;
  /** Whether a server has left a note that the disk has failed. */
  hasDiskFailure: boolean;
}

/** Reads the files of a volume. A missing file reads as an empty one. */
export class VolumeReader implements Disposable {
  /** Reads bets.csv as it is, or as it is after the recovery that is due. */
  readonly readBets: ReadAt = (bytes, position) => this.#readBets(bytes, position);
  /** Reads bets.csv as it is. */
  readonly readRaw: ReadAt = (bytes, position) => readAt(this.#bets, bytes, position);
  readonly readClosed: ReadAt = (bytes, position) => readAt(this.#closed, bytes, position);
  readonly #bets: Deno.FsFile | undefined;
  readonly #closed: Deno.FsFile | undefined;
  readonly #path: string;
  #readBets: ReadAt = this.readRaw;
  /** The recovery from the redo logs that is due; nothing while servers are running, or if it is not possible. */
  plan: RecoveryPlan | undefined;
  /** Why the volume cannot be recovered. */
  contradiction: string | undefined;

  /**
   * @throws {Deno.errors.NotFound} If there is no such folder.
   * @throws {Deno.errors.NotADirectory} If it is a file.
   */
  constructor(path: string) {
    if (!Deno.statSync(path).isDirectory) {
      throw new Deno.errors.NotADirectory(`${path} is not a folder`);
    }
    this.#bets = openIfThere(`${path}/${BETS_FILE}`);
    this.#closed = openIfThere(`${path}/${CLOSED_FILE}`);
    this.#path = path;
  }

  /**
   * Reads the sizes and the journal between two rounds of the servers, under the lock of bets.csv.
   *
   * @throws {LockedError} If a writer holds the lock for longer than `waitMs`.
   */
  snapshot(waitMs: number): Promise<Snapshot> {
    return this.locked(waitMs, (snapshot) => snapshot);
  }

  /**
   * Runs `work` while no server writes, under a shared lock of bets.csv.
   *
   * @throws {LockedError} If a writer holds the lock for longer than `waitMs`.
   */
  async locked<Result>(waitMs: number, work: (snapshot: Snapshot) => Result): Promise<Result> {
    const bets = this.#bets;
    // A missing file has no lock, and no round can be in progress.
    if (bets === undefined) return work(this.#look());
    await lockWithin(bets.lock(false), { waitMs, path: this.#path });
    try {
      return work(this.#look());
    } finally {
      bets.unlockSync();
    }
  }

  /** Describes the files that are there. */
  files(): Deno.FileInfo[] {
    const names = [BETS_FILE, CLOSED_FILE, JOURNAL_FILE, CHECKPOINT_FILE];
    return names.flatMap((name) => {
      using file = openIfThere(`${this.#path}/${name}`);
      return file === undefined ? [] : [file.statSync()];
    });
  }

  #look(): Snapshot {
    const disk = new FolderDisk(this.#path, undefined, { isReadOnly: true });
    const { live, dead } = findLogs(disk);
    const { journal, hasJournal } = readJournalOf(this.#path);
    const checkpoint = readCheckpointOf(this.#path);
    const snapshot = {
      betsSize: this.#bets?.statSync().size,
      closedSize: this.#closed?.statSync().size,
      journal,
      checkpoint,
      hasServers: live.length > 0,
      logs: [...live, ...dead],
      durableSize: durableSizeOf(checkpoint, journal),
      hasJournal,
      identity: readText(`${this.#path}/${IDENTITY_FILE}`),
      hasDiskFailure: isThere(`${this.#path}/${DISK_FAILURE_FILE}`),
    };
    if (!snapshot.hasServers) this.#planRecovery(snapshot, disk);
    return snapshot;
  }

  #planRecovery(
    { betsSize: size = 0, journal: content, checkpoint: state, logs, ...found }: Snapshot,
    disk: FolderDisk,
  ): void {
    const read = this.readRaw;
    this.plan = this.contradiction = undefined;
    this.#readBets = read;
    if (size < found.durableSize) return;
    try {
      const records = countingRecords(readRecords(disk, logs), {
        state,
        lottery: lotteryOf(found.identity),
      });
      this.plan = planVolume({ size, read, state, content, records });
      this.#readBets = readRecovered(read, this.plan);
    } catch (error) {
      if (!(error instanceof FatalLedgerError)) throw error;
      this.contradiction = error.message;
    }
  }

  [Symbol.dispose](): void {
    this.#bets?.close();
    this.#closed?.close();
  }
}

/** Reads the journal of a volume. The lock of bets.csv must be held. */
function readJournalOf(path: string): Pick<Snapshot, "journal" | "hasJournal"> {
  using file = openIfThere(`${path}/${JOURNAL_FILE}`);
  const read: ReadAt = (bytes, position) => readAt(file, bytes, position);
  return { journal: readJournal({ read }), hasJournal: (file?.statSync().size ?? 0) > 0 };
}

function readCheckpointOf(path: string): CheckpointState {
  using file = openIfThere(`${path}/${CHECKPOINT_FILE}`);
  const bytes = new Uint8Array(CHECKPOINT_BYTES);
  return parseCheckpoint(bytes.subarray(0, readAt(file, bytes, 0)));
}

/** The id of the lottery; nothing if its identity is missing or damaged. */
export function lotteryOf(identity: string | undefined): string | undefined {
  try {
    return identity !== undefined && isComplete(identity) ? parseIdentity(identity).id : undefined;
  } catch {
    return undefined;
  }
}

/** How to move a file of a volume aside. */
export interface MoveAsideOptions {
  name: string;
  /** Why it is moved: the new name is `NAME.SUFFIX-TIME`. */
  suffix: string;
  nowMs: number;
}

/**
 * Moves a file of a volume aside, durably, and never onto another. Returns its new name; nothing if there is no
 * such file.
 */
export function moveAside(
  path: string,
  { name, suffix, nowMs }: MoveAsideOptions,
): string | undefined {
  if (!isThere(`${path}/${name}`)) return undefined;
  const time = new Date(nowMs).toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  for (let copy = 1;; copy++) {
    const moved = `${name}.${suffix}-${time}${copy === 1 ? "" : `-${copy}`}`;
    if (isThere(`${path}/${moved}`)) continue;
    Deno.renameSync(`${path}/${name}`, `${path}/${moved}`);
    new FolderDisk(path).syncFolder();
    return moved;
  }
}

/** A lock of bets.csv was not obtained in time. */
export class LockedError extends Error {
  override name = "LockedError";
}

/**
 * Awaits a lock of bets.csv in the folder `path`. A lock that is obtained too late is released when
 * the process ends.
 *
 * @throws {LockedError} If it is not obtained within `waitMs`.
 */
export async function lockWithin(
  lock: Promise<void>,
  { waitMs, path }: { waitMs: number; path: string },
): Promise<void> {
  const error = () => {
    const owner = lockOwner(`${path}/${BETS_FILE}`) ?? "another process";
    const seconds = waitMs / 1000;
    return new LockedError(
      `Cannot lock ${BETS_FILE} within ${seconds} s: ${owner} holds the lock, and is paused or ` +
        "waits for its disk. Resume it (SIGCONT, `docker unpause`), end it, or wait longer with --wait",
    );
  };
  await withDeadline(lock, { timeoutMs: waitMs, error });
}

function readText(path: string): string | undefined {
  using file = openIfThere(path);
  if (file === undefined) return undefined;
  const bytes = new Uint8Array(IDENTITY_BYTES_MAX);
  return new TextDecoder().decode(bytes.subarray(0, readAt(file, bytes, 0)));
}

function isThere(path: string): boolean {
  using file = openIfThere(path);
  return file !== undefined;
}

function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function readAt(file: Deno.FsFile | undefined, bytes: Uint8Array, position: number): number {
  file?.seekSync(position, Deno.SeekMode.Start);
  return file?.readSync(bytes) ?? 0;
}
