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
import { type DiskFile, readFully, writeAll } from "./disk.ts";
import { FatalLedgerError } from "./fatal_error.ts";
import { FileLock, type FileLockOptions } from "./file_lock.ts";
import { CLOSED_FILE } from "./volume_files.ts";

/** How long the name is trusted to lead to the open file: a server that restarts takes longer. */
const NAME_TRUSTED_MS = 50;

const MOVED = `Cannot go on: ${CLOSED_FILE} was moved or deleted while this server was running. ` +
  "Stop all servers before you touch the shared volume";

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
  #agencies = new Set<number>();

  constructor(file: DiskFile, options: Omit<FileLockOptions, "name">) {
    this.#file = file;
    this.#lock = new FileLock(file, { name: CLOSED_FILE, ...options });
  }

  /** Bytes that are durable: the complete lines of the last sync. */
  durableSize = 0;

  /**
   * Makes sure that the file is not smaller than it was once, durably.
   *
   * @throws {FatalLedgerError} If it is: a closed agency would bet again.
   */
  assertNotShortened(durableSize: number): void {
    const size = this.#file.size();
    if (size >= durableSize) return;
    throw new FatalLedgerError(
      `Cannot use ${CLOSED_FILE}: it has ${size} bytes, but ${durableSize} were durable. Closed agencies ` +
        "were removed, or an older copy was put in its place. Nothing was changed. Restore the volume " +
        "from a backup, or accept the loss with ./denow task check --accept-loss",
    );
  }

  /**
   * The agencies that have closed.
   *
   * @throws {FatalLedgerError} If the file was moved or deleted, or an agency is missing that had closed.
   */
  agencies(): ReadonlySet<number> {
    if (!this.#file.isCurrent(NAME_TRUSTED_MS)) throw new FatalLedgerError(MOVED);
    const size = this.#file.size();
    if (size !== this.#size) this.#read(size);
    return this.#agencies;
  }

  /** Whether agencies 1 to `count` have all closed. */
  hasAll(count: number): boolean {
    const closed = this.agencies();
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
  add(agency: number): Promise<void> {
    return this.#lock.hold(async () => {
      const line = this.agencies().has(agency) ? "" : `${agency}\n`;
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
      this.agencies();
      await this.sync();
      // Somebody may have put a copy in its place, which lacks this line.
      if (!this.#file.isCurrent(0)) throw new FatalLedgerError(MOVED);
    });
  }

  /**
   * Makes the file's content durable.
   *
   * @throws {FatalLedgerError} If the sync fails. It must not be repeated: the kernel would report success.
   */
  async sync(): Promise<void> {
    const wholeSize = this.#wholeSize;
    try {
      await this.#file.sync();
    } catch (cause) {
      throw new FatalLedgerError(`Cannot sync ${CLOSED_FILE}: ${(cause as Error).message}`, {
        cause,
      });
    }
    this.durableSize = wholeSize;
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Writes the complete lines again, and `line` after them. Another writer may have been killed before its
   * lines were synced, or its sync has failed and the kernel takes them for durable although they are lost.
   */
  #rewrite(line: string): void {
    const bytes = new Uint8Array(this.#wholeSize + line.length);
    readFully(this.#file, bytes.subarray(0, this.#wholeSize), 0);
    bytes.set(new TextEncoder().encode(line), this.#wholeSize);
    writeAll(this.#file, bytes, 0);
  }

  #read(size: number): void {
    const bytes = new Uint8Array(size);
    const length = readFully(this.#file, bytes, 0);
    const { agencies, wholeSize } = parseClosedAgencies(bytes.subarray(0, length));
    const [missing] = this.#agencies.difference(agencies);
    if (missing !== undefined) {
      throw new FatalLedgerError(
        `Cannot go on: agency ${missing} has closed, but is no longer in ${CLOSED_FILE}. Stop all servers ` +
          "before you touch the shared volume, and restore that line",
      );
    }
    this.#agencies = agencies;
    this.#wholeSize = wholeSize;
    // A torn line may be replaced by another one of the same length.
    this.#size = wholeSize === size ? size : -1;
  }
}
