/**
 * Cuts off the torn tail of bets.csv, as a server would, after copying it to another file.
 *
 * @module
 */

import { type DiskFile, FolderDisk, readFully } from "../../server/ledger/file/disk.ts";
import { type Round, RoundJournal } from "../../server/ledger/file/round_journal.ts";
import { inspectTail } from "../../server/ledger/file/recovery.ts";
import { BETS_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";
import { lockWithin, readJournal } from "./volume_reader.ts";

const CHUNK_BYTES = 1024 * 1024;

/** The file that the tail is copied to. */
export type SideFile = Pick<Deno.FsFile, "writeSync" | "syncSync" | "close">;

/** Options of {@linkcode repairTail}. */
export interface RepairOptions {
  /** How long to wait for the lock. */
  waitMs: number;
  /** The time in the name of the side file. @default {Date.now} */
  now?: () => number;
  /** Creates a file; throws AlreadyExists if there is one. @default {Deno.openSync} */
  createFile?: (path: string) => SideFile;
}

/** What a repair has changed. */
export interface Repair {
  /** Name of the file with the bytes that were cut off; nothing if there were none. */
  side?: string;
  /** Bytes that were cut off. */
  cutBytes: number;
  /** Bytes that are left. */
  size: number;
  /** Whether the journal was rewritten. */
  wroteJournal: boolean;
}

/**
 * Cuts off what servers would cut off, and rewrites the journal as they would.
 *
 * An interrupted repair can be repeated at any point: the copy is complete and durable before
 * anything is cut off, and no copy is ever overwritten.
 *
 * @throws {LockedError} If the lock is not obtained in time.
 */
export async function repairTail(path: string, options: RepairOptions): Promise<Repair> {
  const disk = new FolderDisk(path);
  const bets = disk.open(BETS_FILE);
  try {
    await lockWithin(bets.lock(), { waitMs: options.waitMs, path });
    try {
      return repairLocked({ path, disk, bets }, options);
    } finally {
      bets.unlock();
    }
  } finally {
    bets.close();
  }
}

interface LockedVolume {
  path: string;
  disk: FolderDisk;
  bets: DiskFile;
}

function repairLocked(volume: LockedVolume, options: RepairOptions): Repair {
  const { path, disk, bets } = volume;
  const { round } = readJournal(path);
  const size = bets.size();
  const { wholeSize } = inspectTail(size, round, {
    read: (bytes, position) => bets.read(bytes, position),
  });
  const isTorn = wholeSize < size;
  // Servers rewrite the journal in the same cases.
  const isDue = isTorn || round === undefined || size < round.to;
  if (!isDue) return { cutBytes: 0, size, wroteJournal: false };
  const side = isTorn ? copyTail(volume, { from: wholeSize, to: size, ...options }) : undefined;
  if (isTorn) {
    bets.truncate(wholeSize);
    // A power cut must not restore the tail beside a journal that does not know of it.
    bets.syncNow();
  }
  recordCut(disk, { size: wholeSize, round, side });
  return { side, cutBytes: size - wholeSize, size: wholeSize, wroteJournal: true };
}

/** Copies a tail durably to a new file. Returns its name. Leaves no file if that fails. */
function copyTail(
  { path, disk, bets }: LockedVolume,
  { from, to, ...options }: { from: number; to: number } & RepairOptions,
): string {
  const { name, file } = createSide(path, options);
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, to - from));
    for (let at = from; at < to;) {
      const length = readFully(bets, chunk.subarray(0, to - at), at);
      if (length === 0) throw new Error(`${BETS_FILE} ends at byte ${at}, before its size`);
      const count = file.writeSync(chunk.subarray(0, length));
      if (count <= 0) throw new Error("the disk accepts no more bytes");
      at += count;
    }
    file.syncSync();
    disk.syncFolder();
  } catch (cause) {
    file.close();
    Deno.removeSync(`${path}/${name}`);
    throw new Error(
      `Cannot copy what is to be cut off (${to - from} bytes) to ${name}: ` +
        `${
          (cause as Error).message
        }. Nothing was changed. Fix that first (a full disk needs room), ` +
        "then repeat",
      { cause },
    );
  }
  file.close();
  return name;
}

function createSide(
  path: string,
  { now = Date.now, createFile = createNew }: RepairOptions,
): { name: string; file: SideFile } {
  const time = new Date(now()).toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  for (let copy = 1;; copy++) {
    const name = `${BETS_FILE}.cut-${time}${copy === 1 ? "" : `-${copy}`}`;
    try {
      return { name, file: createFile(`${path}/${name}`) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

function createNew(path: string): Deno.FsFile {
  return Deno.openSync(path, { write: true, createNew: true });
}

function recordCut(
  disk: FolderDisk,
  { size, round, side }: { size: number; round: Round | undefined; side: string | undefined },
): void {
  try {
    const journal = new RoundJournal(disk.open(JOURNAL_FILE));
    try {
      const { cuts, recalls } = round ?? { cuts: 0, recalls: 0 };
      journal.recordCut(size, { cuts: cuts + 1, recalls });
    } finally {
      journal.close();
    }
    disk.syncFolder();
  } catch (cause) {
    const done = side === undefined ? "" : `The torn bytes are in ${side}, and cut off. `;
    throw new Error(
      `Cannot write ${JOURNAL_FILE}: ${(cause as Error).message}. ${done}` +
        "Fix that (a full disk needs room), then repeat",
      { cause },
    );
  }
}
