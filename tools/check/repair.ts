/**
 * Cuts the torn tail of bets.csv off, as a server would, after what it cuts was copied.
 *
 * @module
 */

import { type DiskFile, FolderDisk, readFully } from "../../server/ledger/file/disk.ts";
import { RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { inspectTail } from "../../server/ledger/file/recovery.ts";
import { BETS_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { lockWithin, readJournal } from "./volume.ts";

const CHUNK_BYTES = 1024 * 1024;

/** A new file for what is cut off. */
export interface SideFile {
  /** Takes some of `bytes`; returns how many. */
  write(bytes: Uint8Array): number;
  /** Makes the file and its name last, and closes it. */
  finish(): void;
  /** Closes the file and removes it. */
  discard(): void;
}

/** Options of {@linkcode repairTail}. */
export interface RepairOptions {
  /** How long to wait for the lock. */
  waitMs: number;
  /** The time that the side file is named after. @default {Date.now} */
  now?: () => number;
  /** Makes a file that was not there before; throws AlreadyExists if it was. @default {in the volume} */
  createSide?: (name: string) => SideFile;
}

type SideOptions = Required<Pick<RepairOptions, "now" | "createSide">>;

/** What was repaired. */
export interface Repair {
  /** The file that holds what was cut off; nothing if nothing had to be cut. */
  side?: string;
  /** Bytes that were cut off. */
  cutBytes: number;
  /** Bytes that are left. */
  size: number;
  /** Whether the journal was written anew. */
  wroteJournal: boolean;
}

/**
 * Cuts off what servers would cut off, and writes the journal as they would.
 *
 * A repair that was interrupted can be repeated at any point: the copy is whole and on the disk before
 * anything is cut, and a copy is never written over.
 *
 * @throws {LockedError} If the lock was not to be had.
 */
export async function repairTail(path: string, options: RepairOptions): Promise<Repair> {
  const disk = new FolderDisk(path);
  const bets = disk.open(BETS_FILE);
  const {
    waitMs,
    now = Date.now,
    createSide = (name: string) => createSideIn(path, name, disk),
  } = options;
  try {
    await lockWithin(() => bets.lock(), { waitMs, path });
    try {
      const { round } = readJournal(path);
      const size = bets.size();
      const { wholeSize } = inspectTail(size, round, {
        read: (bytes, position) => bets.read(bytes, position),
      });
      // What moves a server to write the journal anew.
      const isDue = wholeSize < size || round === undefined || size < round.to;
      if (!isDue) return { cutBytes: 0, size, wroteJournal: false };
      const side = cutTail(bets, { from: wholeSize, to: size }, { now, createSide });
      recordCut(disk, { size: wholeSize, cuts: (round?.cuts ?? 0) + 1, side });
      return { side, cutBytes: size - wholeSize, size: wholeSize, wroteJournal: true };
    } finally {
      bets.unlock();
    }
  } finally {
    bets.close();
  }
}

/** Bytes of a file. */
interface Place {
  from: number;
  to: number;
}

/** Copies the end of a file and cuts it off, if there is one; returns the name of the copy. */
function cutTail(bets: DiskFile, tail: Place, options: SideOptions): string | undefined {
  if (tail.from === tail.to) return undefined;
  const side = copyTail(bets, tail, options);
  bets.truncate(tail.from);
  // A power cut must not bring the tail back behind a journal that knows nothing of it.
  bets.syncNow();
  return side;
}

function recordCut(
  disk: FolderDisk,
  { size, cuts, side }: { size: number; cuts: number; side: string | undefined },
): void {
  try {
    const journal = new RoundJournal(disk.open(JOURNAL_FILE));
    try {
      journal.recordCut(size, cuts);
    } finally {
      journal.close();
    }
    disk.syncFolder();
  } catch (cause) {
    const done = side === undefined ? "" : `What was torn is in ${side}, and cut off. `;
    throw new Error(
      `Cannot write ${JOURNAL_FILE}: ${(cause as Error).message}. ${done}` +
        "Mend that (a full disk needs room), then repeat",
      { cause },
    );
  }
}

/** Copies bytes of a file to a new one; returns its name. Leaves nothing behind when that fails. */
function copyTail(
  file: DiskFile,
  { from, to }: Place,
  { now, createSide }: SideOptions,
): string {
  const { name, side } = newSide(now(), createSide);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, to - from));
    for (let at = from; at < to;) {
      const length = readFully(file, chunk.subarray(0, Math.min(chunk.length, to - at)), at);
      if (length === 0) throw new Error(`${BETS_FILE} ends at byte ${at}, before its size`);
      for (let written = 0; written < length;) {
        const count = side.write(chunk.subarray(written, length));
        if (count <= 0) throw new Error("the disk takes no more bytes");
        written += count;
      }
      at += length;
    }
    side.finish();
  } catch (cause) {
    side.discard();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Cannot copy what is to be cut off (${to - from} bytes) to ${name}: ${reason}. ` +
        "Nothing was changed. Mend that first (a full disk needs room), then repeat",
      { cause },
    );
  }
  return name;
}

function newSide(
  timeMs: number,
  createSide: (name: string) => SideFile,
): { name: string; side: SideFile } {
  const time = new Date(timeMs).toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  for (let copy = 1;; copy++) {
    const name = `${BETS_FILE}.cut-${time}${copy === 1 ? "" : `-${copy}`}`;
    try {
      return { name, side: createSide(name) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

function createSideIn(folder: string, name: string, disk: FolderDisk): SideFile {
  const path = `${folder}/${name}`;
  const file = Deno.openSync(path, { write: true, createNew: true });
  return {
    write: (bytes) => file.writeSync(bytes),
    finish: () => {
      file.syncSync();
      disk.syncFolder();
      file.close();
    },
    discard: () => {
      try {
        file.close();
      } catch {
        // It was closed already.
      }
      Deno.removeSync(path);
    },
  };
}
