/**
 * Reads a shared volume on which servers may be writing, and changes nothing there.
 *
 * @module
 */

import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { parseRound, type Round } from "../../server/ledger/file/round_journal.ts";
import { BETS_FILE, CLOSED_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { withDeadline } from "../../shared/deadline.ts";
import { lockOwner } from "./lock_owner.ts";

/** A volume at a moment when no server was writing. */
export interface Snapshot {
  /** Size of bets.csv in bytes; nothing if the file is missing. */
  betsSize: number | undefined;
  /** Size of agencies_closed.txt in bytes; nothing if the file is missing. */
  closedSize: number | undefined;
  /** The journal's last round; nothing if the journal is missing, empty or damaged. */
  round: Round | undefined;
  /** Whether the journal is there and not empty. */
  hasJournal: boolean;
}

/** Reads the files of a volume. A missing file reads as an empty one. */
export class VolumeReader implements Disposable {
  readonly readBets: ReadAt = (bytes, position) => readAt(this.#bets, bytes, position);
  readonly readClosed: ReadAt = (bytes, position) => readAt(this.#closed, bytes, position);
  readonly #bets: Deno.FsFile | undefined;
  readonly #closed: Deno.FsFile | undefined;
  readonly #path: string;

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
  async snapshot(waitMs: number): Promise<Snapshot> {
    const bets = this.#bets;
    // A missing file has no lock, and no round can be in progress.
    if (bets === undefined) return this.#look();
    await lockWithin(bets.lock(false), { waitMs, path: this.#path });
    try {
      return this.#look();
    } finally {
      bets.unlockSync();
    }
  }

  #look(): Snapshot {
    return {
      betsSize: this.#bets?.statSync().size,
      closedSize: this.#closed?.statSync().size,
      ...readJournal(this.#path),
    };
  }

  [Symbol.dispose](): void {
    this.#bets?.close();
    this.#closed?.close();
  }
}

/** Reads the journal of a volume. The lock of bets.csv must be held. */
export function readJournal(path: string): Pick<Snapshot, "round" | "hasJournal"> {
  using file = openIfThere(`${path}/${JOURNAL_FILE}`);
  const bytes = new Uint8Array(1024); // more than its one line has
  const length = readAt(file, bytes, 0);
  return { round: parseRound(bytes.subarray(0, length)), hasJournal: length > 0 };
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
