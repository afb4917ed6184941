/**
 * agencies_closed.txt: one agency number a line. A line without its newline has not been written yet.
 *
 * Writers also hold the lock of bets.csv (see bets_file.ts), so that an append may read this
 * file without a lock of its own.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { AGENCIES_MAX } from "../../../shared/bet.ts";
import { type DiskFile, readFully, writeAll } from "../disk.ts";
import { movedMessage } from "./moved_file.ts";
import { FatalLedgerError, SyncFailedError } from "../fatal_error.ts";
import { FileLock, type FileLockOptions } from "./file_lock.ts";
import { checksumOf } from "./fixed_line.ts";
import type { ClosedMark } from "./round_journal.ts";
import { CLOSED_FILE } from "./volume_files.ts";

/** How long the name is trusted to lead to the open file: a server that restarts takes longer. */
const NAME_TRUSTED_MS = 50;

/** Far more than a line for every agency takes. */
const FILE_BYTES_MAX = 1024 * 1024;

/** The content of agencies_closed.txt. */
export interface ClosedList {
  agencies: Set<number>;
  /** Bytes of its complete lines. */
  wholeSize: number;
}

/** Parses the content of agencies_closed.txt. Lines that are not an agency's number are ignored. */
export function parseClosedAgencies(bytes: Uint8Array): ClosedList {
  // Counted in bytes: invalid UTF-8 and a byte order mark change length when they are decoded.
  const wholeSize = bytes.lastIndexOf(LINE_FEED) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, wholeSize)).split("\n");
  const agencies = new Set(lines.map(parseClosedLine));
  agencies.delete(0);
  return { agencies, wholeSize };
}

/** The agency that a line of agencies_closed.txt names, without its `\n`; 0 if it names none. */
export function parseClosedLine(line: string): number {
  const agency = /^\d{1,4}\r?$/.test(line) ? parseInt(line) : 0;
  return agency <= AGENCIES_MAX ? agency : 0;
}

/** The file of closed agencies. It is read again only when its size has changed. */
export class ClosedAgencies {
  readonly #file: DiskFile;
  readonly #lock: FileLock;
  #size = -1;
  #wholeSize = 0;
  #wholeSum = checksumOf(new Uint8Array());
  #agencies = new Set<number>();

  constructor(file: DiskFile, options: Omit<FileLockOptions, "name">) {
    this.#file = file;
    this.#lock = new FileLock(file, { name: CLOSED_FILE, ...options });
  }

  /**
   * The agencies that have closed.
   *
   * @param durable What was durable: it must still be there.
   * @throws {FatalLedgerError} If it is not, or the file was moved or deleted.
   */
  agencies(durable: ClosedMark): ReadonlySet<number> {
    if (!this.#file.isCurrent(NAME_TRUSTED_MS)) {
      throw new FatalLedgerError(movedMessage(CLOSED_FILE));
    }
    const size = this.#file.size();
    if (size < durable.closed) throw new FatalLedgerError(shortenedMessage(size, durable.closed));
    if (size !== this.#size) this.#read(size, durable);
    return this.#agencies;
  }

  /** The agencies that had closed when the file was last looked at. */
  get seen(): ReadonlySet<number> {
    return this.#agencies;
  }

  /** Whether agencies 1 to `count` have all closed. */
  hasAll(count: number, durable: ClosedMark): boolean {
    const closed = this.agencies(durable);
    if (closed.size < count) return false;
    for (let agency = 1; agency <= count; agency++) {
      if (!closed.has(agency)) return false;
    }
    return true;
  }

  /**
   * Adds an agency durably; if it is there already, makes it durable. A torn last line is truncated first.
   * The lock of bets.csv is held.
   */
  add(agency: number, durable: ClosedMark): Promise<ClosedMark> {
    return this.#lock.hold(async () => {
      const line = this.agencies(durable).has(agency) ? "" : `${agency}\n`;
      const from = this.#wholeSize;
      if (this.#file.size() > from) this.#file.truncate(from);
      try {
        this.#rewrite(line);
      } catch (error) {
        this.#file.truncate(from);
        throw error;
      } finally {
        this.#size = -1;
      }
      this.agencies(durable);
      await this.sync();
      // Somebody may have put a copy in its place, which lacks this line.
      if (!this.#file.isCurrent(0)) throw new FatalLedgerError(movedMessage(CLOSED_FILE));
      return { closed: this.#wholeSize, closedSum: this.#wholeSum };
    });
  }

  /**
   * Makes the closes durable that were last read, unless they are: their writer may have been killed before its sync.
   *
   * @param durable What is durable of the file.
   * @throws {SyncFailedError} If the sync fails.
   */
  async settle(durable: ClosedMark): Promise<void> {
    if (this.#wholeSize > durable.closed) await this.sync();
  }

  /**
   * Makes the file's content durable.
   *
   * @throws {SyncFailedError} If the sync fails. It must not be repeated: the kernel would report success.
   */
  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (cause) {
      throw new SyncFailedError(`Cannot sync ${CLOSED_FILE}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Writes the complete lines again, and `line` after them. Another writer may have been killed before its lines were
   * synced, or its sync has failed and the kernel treats them as written although they are lost.
   */
  #rewrite(line: string): void {
    const bytes = new Uint8Array(this.#wholeSize + line.length);
    readFully(this.#file, bytes.subarray(0, this.#wholeSize), 0);
    bytes.set(new TextEncoder().encode(line), this.#wholeSize);
    writeAll(this.#file, bytes, 0);
  }

  #read(size: number, durable: ClosedMark): void {
    if (size > FILE_BYTES_MAX) throw new FatalLedgerError(tooLongMessage(size));
    const bytes = new Uint8Array(size);
    const length = readFully(this.#file, bytes, 0);
    const isUnchanged = checksumOf(bytes.subarray(0, durable.closed)) === durable.closedSum;
    if (durable.closed > 0 && !isUnchanged) throw new FatalLedgerError(changedMessage(durable));
    const { agencies, wholeSize } = parseClosedAgencies(bytes.subarray(0, length));
    const [missing] = this.#agencies.difference(agencies);
    if (missing !== undefined) throw new FatalLedgerError(missingMessage(missing));
    this.#agencies = agencies;
    this.#wholeSize = wholeSize;
    this.#wholeSum = checksumOf(bytes.subarray(0, wholeSize));
    // A torn line may be replaced by another one of the same length.
    this.#size = wholeSize === size ? size : -1;
  }
}

const REMEDY = "Nothing was changed. Restore the volume from a backup, or accept the loss with " +
  "./denow task check --accept-loss";

function shortenedMessage(size: number, durableSize: number): string {
  return `Cannot use ${CLOSED_FILE}: it has ${size} bytes, but ${durableSize} were durable. Closed agencies ` +
    `were removed, or an older copy was put in its place. ${REMEDY}`;
}

function changedMessage({ closed }: ClosedMark): string {
  return `Cannot use ${CLOSED_FILE}: its first ${closed} bytes were durable, and are no longer what they ` +
    `were. Somebody has changed the file, or the disk has. ${REMEDY}`;
}

function missingMessage(agency: number): string {
  return `Cannot continue: agency ${agency} has closed, but is no longer in ${CLOSED_FILE}. Stop all servers ` +
    "before you touch the shared volume, and restore that line";
}

function tooLongMessage(size: number): string {
  return `Cannot use ${CLOSED_FILE}: it has ${size} bytes, where a line for every agency takes less than ` +
    `${FILE_BYTES_MAX}. Stop all servers and remove what is not an agency's number`;
}
