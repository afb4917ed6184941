/**
 * The files of a shared volume, opened to be read and nothing else: nothing is made, nothing is changed.
 *
 * @module
 */

import type { DiskFile } from "../../server/ledger/file/disk.ts";
import { type Round, RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { BETS_FILE, CLOSED_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { lockOwner } from "./lock_owner.ts";

/** The lock of bets.csv was not to be had in time. */
export class LockedError extends Error {
  override name = "LockedError";

  /** @param owner Who holds it, if that is known. */
  constructor(waitMs: number, owner = "another process") {
    super(
      `Cannot lock ${BETS_FILE} within ${
        waitMs / 1000
      } s: ${owner} holds it, and is paused, or its ` +
        "disk hangs. Let it go on (SIGCONT, `docker unpause`) or end it, or wait longer with --wait",
    );
  }
}

/** The volume at one moment at which no server was writing. */
export interface Snapshot {
  /** Bytes of bets.csv; nothing if there is no such file. */
  betsSize: number | undefined;
  closedSize: number | undefined;
  /** What the journal says; nothing if it is missing or cannot be read. */
  round: Round | undefined;
  /** Whether there is a file bets.csv.round with anything in it. */
  hasJournal: boolean;
}

/** The files of a volume that are there. */
export class Volume implements Disposable {
  readonly bets: Deno.FsFile | undefined;
  readonly closed: Deno.FsFile | undefined;
  readonly #path: string;

  /** @throws {Deno.errors.NotFound} If there is no such folder. */
  constructor(path: string) {
    if (!Deno.statSync(path).isDirectory) {
      throw new Deno.errors.NotADirectory(`${path} is not a folder`);
    }
    this.bets = openIfThere(`${path}/${BETS_FILE}`);
    this.closed = openIfThere(`${path}/${CLOSED_FILE}`);
    this.#path = path;
  }

  /**
   * Looks at the sizes and the journal between two rounds of the servers. Locked for as long as that
   * takes, and no longer.
   *
   * @throws {LockedError} If a writer does not let go in time.
   */
  async snapshot(waitMs: number): Promise<Snapshot> {
    // Without the file there is no lock, and nothing of which a round could be in hand.
    if (this.bets === undefined) return this.#look();
    await lockWithin(() => this.bets!.lock(false), { waitMs, path: this.#path });
    try {
      return this.#look();
    } finally {
      this.bets.unlockSync();
    }
  }

  #look(): Snapshot {
    return {
      betsSize: this.bets?.statSync().size,
      closedSize: this.closed?.statSync().size,
      ...readJournal(this.#path),
    };
  }

  [Symbol.dispose](): void {
    this.bets?.close();
    this.closed?.close();
  }
}

/** Reads the journal of a volume, under the lock of bets.csv. */
export function readJournal(path: string): Pick<Snapshot, "round" | "hasJournal"> {
  using file = openIfThere(`${path}/${JOURNAL_FILE}`);
  if (file === undefined) return { round: undefined, hasJournal: false };
  return {
    round: new RoundJournal(readOnly(file)).read(),
    hasJournal: file.statSync().size > 0,
  };
}

/** Reads from a place of a file. */
export function readAt(file: Deno.FsFile): (bytes: Uint8Array, position: number) => number {
  return (bytes, position) => {
    file.seekSync(position, Deno.SeekMode.Start);
    return file.readSync(bytes) ?? 0;
  };
}

/**
 * Waits for the lock of bets.csv in the folder `path`. One that comes later than `waitMs` is not let go by
 * itself: the program has to end.
 *
 * @throws {LockedError} If it does not come in time.
 */
export async function lockWithin(
  lock: () => Promise<void>,
  { waitMs, path }: { waitMs: number; path: string },
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new LockedError(waitMs, lockOwner(`${path}/${BETS_FILE}`)));
    }, waitMs);
  });
  await Promise.race([lock(), late]).finally(() => clearTimeout(timer));
}

function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A file of which only the reading is wanted, as the ledger's modules see files. */
function readOnly(file: Deno.FsFile): DiskFile {
  const refuse = () => {
    throw new TypeError("This file is only read");
  };
  return {
    size: () => file.statSync().size,
    isCurrent: () => true,
    read: readAt(file),
    write: refuse,
    truncate: refuse,
    syncNow: refuse,
    sync: refuse,
    tryLock: refuse,
    lock: refuse,
    unlock: refuse,
    close: () => file.close(),
  };
}
