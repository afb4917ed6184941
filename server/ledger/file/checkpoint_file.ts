/**
 * The checkpoint: the file bets.csv.checkpoint, which says up to where bets.csv is durable. Redo logs are needed
 * only beyond that.
 *
 * Two slots are written in turn, so that one is valid even if the write of the other fails. The third page is the
 * notice: which checkpoint was announced before its syncs, and which was finished after them. A checkpoint that was
 * announced and not finished may hide a failed sync, after which the kernel treats lost pages as written. The notice
 * is never synced: after a power cut only what is on the disk counts as written.
 *
 * @module
 */

import { type DiskFile, readFully, writeAll } from "../disk.ts";
import { SyncFailedError } from "../fatal_error.ts";
import { FixedLine } from "./fixed_line.ts";
import { PAGE_BYTES } from "./log_record.ts";
import { CHECKPOINT_FILE } from "./volume_files.ts";

/** What is durable of bets.csv. */
export interface Checkpoint {
  /** Counts checkpoints. */
  sequence: number;
  /** Counts recoveries: records of older epochs no longer count. */
  epoch: number;
  /** Bytes of bets.csv: the end of a round. */
  size: number;
  /** Whether no server has run since: then whatever follows was not written by one. */
  isClean: boolean;
  /** The rows among them that servers have written or judged. */
  known: KnownRows;
}

/** Rows at the beginning of bets.csv. Whoever finds the same bytes need not judge them again. */
export interface KnownRows {
  /** Their bytes: the end of a row. */
  size: number;
  /** CRC-32 of these bytes. */
  crc: number;
}

/** Of these rows it is known that they are valid: none. */
export const NO_KNOWN_ROWS: KnownRows = { size: 0, crc: 0 };

/** The content of the file. */
export interface CheckpointState {
  /** The last checkpoint; nothing on a new volume. */
  last: Checkpoint | undefined;
  /** Bytes of bets.csv that are durable in that epoch for certain: those of the last finished checkpoint. */
  finishedSize: number;
  /** Whether the last checkpoint, and no other, was announced and finished. */
  isFinished: boolean;
}

const SLOT_LINE = new FixedLine({ sequence: 12, epoch: 12, size: 16, clean: 1 });
/** Follows the line of a slot. An earlier version writes zeros there. */
const KNOWN_LINE = new FixedLine({ checkpoint: 12, known: 16, crc: 10 });
const NOTICE_LINE = new FixedLine({ announced: 12, finished: 12 });
const NOTICE_AT = 2 * PAGE_BYTES;

/** Size of the file in bytes. */
export const CHECKPOINT_BYTES = 3 * PAGE_BYTES;

/** Parses the content of the file. */
export function parseCheckpoint(bytes: Uint8Array): CheckpointState {
  const slots = [0, PAGE_BYTES].map((at) => parseSlot(bytes.subarray(at)))
    .filter((slot) => slot !== undefined)
    .sort((one, other) => other.sequence - one.sequence);
  const [last, before] = slots;
  const notice = NOTICE_LINE.parse(bytes.subarray(NOTICE_AT)) ?? { announced: 1, finished: 0 };
  if (last === undefined) return { last, finishedSize: 0, isFinished: notice.announced === 0 };
  const isLastFinished = notice.finished >= last.sequence;
  const finished = isLastFinished ? last : before?.epoch === last.epoch ? before : undefined;
  return {
    last,
    finishedSize: finished?.size ?? 0,
    isFinished: isLastFinished && notice.announced <= last.sequence,
  };
}

function parseSlot(bytes: Uint8Array): Checkpoint | undefined {
  const slot = SLOT_LINE.parse(bytes);
  if (slot === undefined) return undefined;
  const { clean, ...numbers } = slot;
  return { ...numbers, isClean: clean === 1, known: parseKnown(bytes, slot) };
}

function parseKnown(
  bytes: Uint8Array,
  { sequence, size }: Record<"sequence" | "size", number>,
): KnownRows {
  const line = KNOWN_LINE.parse(bytes.subarray(SLOT_LINE.bytes));
  const isOfSlot = line?.checkpoint === sequence && line.known <= size;
  return isOfSlot ? { size: line.known, crc: line.crc } : NO_KNOWN_ROWS;
}

/** Reads and writes the checkpoint. Only the holder of its lock writes. */
export class CheckpointFile {
  readonly #file: DiskFile;
  readonly #bytes = new Uint8Array(CHECKPOINT_BYTES);

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Reads the file. Needs no lock: a slot or a notice that is being written is ignored. */
  read(): CheckpointState {
    return parseCheckpoint(this.#bytes.subarray(0, readFully(this.#file, this.#bytes, 0)));
  }

  /**
   * Syncs the last checkpoint again if its writer may have been killed before it did. Until then the slot of the one
   * before must not be overwritten.
   */
  async settle(): Promise<CheckpointState> {
    const state = this.read();
    const { last, isFinished } = state;
    if (last === undefined || isFinished) return state;
    await this.#write(last);
    return { ...state, finishedSize: last.size };
  }

  /** Announces the checkpoint that follows the last one, before bets.csv is synced. */
  announce(last: Checkpoint | undefined): void {
    const finished = last?.sequence ?? 0;
    this.#writeNotice({ announced: finished + 1, finished });
  }

  /** Records a checkpoint durably, after bets.csv was synced, and finishes it. */
  async record(checkpoint: Checkpoint): Promise<void> {
    await this.#write(checkpoint);
    const { sequence } = checkpoint;
    this.#writeNotice({ announced: sequence, finished: sequence });
  }

  async #write({ isClean, known, ...numbers }: Checkpoint): Promise<void> {
    const page = this.#bytes.subarray(0, PAGE_BYTES).fill(0);
    SLOT_LINE.format({ ...numbers, clean: isClean ? 1 : 0 }, page);
    const line = { checkpoint: numbers.sequence, known: known.size, crc: known.crc };
    KNOWN_LINE.format(line, page.subarray(SLOT_LINE.bytes));
    writeAll(this.#file, page, PAGE_BYTES * (numbers.sequence % 2));
    try {
      await this.#file.sync();
    } catch (cause) {
      throw new SyncFailedError(`Cannot sync ${CHECKPOINT_FILE}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  #writeNotice(notice: { announced: number; finished: number }): void {
    const page = this.#bytes.subarray(0, PAGE_BYTES).fill(0);
    NOTICE_LINE.format(notice, page);
    writeAll(this.#file, page, NOTICE_AT);
  }
}
