/**
 * agencies_closed.txt: one agency number a line. What is no line end's is not there yet.
 *
 * It is written only by who holds the lock of bets.csv as well (see bets_file.ts), so that whoever
 * appends bets may read it without its own lock.
 *
 * @module
 */

import { LINE_FEED } from "../../../shared/ascii.ts";
import { AGENCIES_MAX } from "../../../shared/bet.ts";
import { type DiskFile, readFully, writeAll } from "./disk.ts";
import { LedgerError } from "../ledger.ts";

/** What agencies_closed.txt says. */
export interface ClosedList {
  agencies: Set<number>;
  /** Bytes of its complete lines. A line without its line end has not been written yet. */
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

/** The agency that a line of agencies_closed.txt names, its `\n` left out; 0 if it names none. */
export function parseClosedLine(line: string): number {
  const agency = /^\d{1,4}\r?$/.test(line) ? parseInt(line) : 0;
  return agency <= AGENCIES_MAX ? agency : 0;
}

/** The file of closed agencies, read anew only when its size has changed. */
export class ClosedAgencies {
  readonly #file: DiskFile;
  #size = -1;
  #wholeSize = 0;
  #agencies = new Set<number>();

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The agencies that have closed. Lines that are no agency's number are passed over. */
  agencies(): ReadonlySet<number> {
    const size = this.#file.size();
    if (size !== this.#size) this.#read(size);
    return this.#agencies;
  }

  /**
   * Adds an agency for good, or makes sure that it is there for good. A torn line at the end is cut off
   * first. The lock of bets.csv is held.
   */
  async add(agency: number): Promise<void> {
    if (!this.#file.tryLock()) await this.#file.lock();
    try {
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
      await this.sync();
    } finally {
      this.#file.unlock();
    }
  }

  /**
   * Makes what is in the file last.
   *
   * @throws {LedgerError} If the disk fails to. It must not be tried again: the disk would claim success.
   */
  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (cause) {
      throw new LedgerError(`Cannot make agencies_closed.txt last: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Writes the whole lines once more, and one behind them. Others may have been killed before their lines
   * were synced; or the sync has failed, and the disk takes for synced what it has forgotten.
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
    this.#agencies = agencies;
    this.#wholeSize = wholeSize;
    // A torn line may give way to another one of the same length.
    this.#size = this.#wholeSize === size ? size : -1;
  }
}
