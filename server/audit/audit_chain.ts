/**
 * The chain of one server: numbered files of lines, each of which carries the digest of the line before.
 *
 * A line is written immediately, at about the cost of copying it, and is durable after {@linkcode AuditChain.sync}.
 * Only whole lines count: the torn line of a killed server is moved to a copy beside the file.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import { type Disk, type DiskFile, readFully, writeAll } from "../ledger/disk.ts";
import {
  type Audited,
  type AuditFields,
  CHAIN_LOCK,
  type ChainHead,
  CUT_SUFFIX,
  digestLine,
  encodeLine,
  fileName,
  fileNumbers,
  NO_LINE,
  parseLine,
} from "./audit_files.ts";
import { firstZero, lastLine } from "./last_line.ts";

/** A folder for the files of one chain. */
export type AuditDisk = Disk & {
  /** The names of all files. */
  names(): string[];
};

/** Options of {@linkcode AuditChain.open}. */
export interface AuditChainOptions {
  /** The name of the server. */
  server: string;
  /** A file that has reached this size is followed by another one. */
  fileBytesMax: number;
  /** How many files are kept. */
  filesMax: number;
  /** The time of day. @default {now} */
  wallClock?: () => Date;
}

/** What was cut from the end of a chain: the beginning of a line. */
export interface CutLine {
  bytes: number;
  /** The file that has it now. */
  copy: string;
}

/** The chain of a server, which is its only writer. */
export class AuditChain implements Disposable {
  readonly #disk: AuditDisk;
  readonly #options: AuditChainOptions;
  readonly #lock: DiskFile;
  /** What was cut when the chain was opened. */
  readonly cut: CutLine | undefined;
  #head: ChainHead = { line: 0, sha256: NO_LINE };
  /** The number of the newest file; 0 before the first one. */
  #number = 0;
  /** The number of the oldest file that is kept. */
  #first = 1;
  /** Nothing if the next line needs a new file. */
  #file: DiskFile | undefined;
  #size = 0;
  /** Whether a failed write may have left bytes after the last line. */
  #isTorn = false;
  /** Why no line can be written any more. */
  #failure: Error | undefined;
  #syncing: Promise<void> | undefined;
  #syncingNext: Promise<void> | undefined;

  private constructor(disk: AuditDisk, lock: DiskFile, options: AuditChainOptions) {
    this.#disk = disk;
    this.#lock = lock;
    this.#options = options;
    this.cut = this.#recover();
  }

  /**
   * Opens the chain of a server, or begins it.
   *
   * @throws If another server has it open, if its last line is not one that this server has written, or if the
   * disk fails.
   */
  static open(disk: AuditDisk, options: AuditChainOptions): AuditChain {
    const lock = disk.open(CHAIN_LOCK);
    try {
      if (lock.tryLock()) return new AuditChain(disk, lock, options);
    } catch (error) {
      lock.close();
      throw error;
    }
    lock.close();
    throw new Error(
      `another server writes the audit log of ${options.server}: give each server its own AUDIT_NAME`,
    );
  }

  /** The last line. */
  get head(): ChainHead {
    return this.#head;
  }

  /**
   * Writes a line. A line whose write fails is not in the chain; the next one may succeed.
   *
   * @throws If it cannot be written.
   */
  append(what: Audited, fields: AuditFields = {}): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#file === undefined || this.#size >= this.#options.fileBytesMax) this.#rotate();
    const file = this.#file!;
    if (this.#isTorn) file.truncate(this.#size);
    this.#isTorn = true;
    const { bytes, head } = this.#encode(what, fields);
    writeAll(file, bytes, this.#size);
    this.#isTorn = false;
    this.#size += bytes.length;
    this.#head = head;
  }

  /**
   * Makes all lines so far durable.
   *
   * @throws If that fails. What is durable is unknown then, so the chain accepts no more lines.
   */
  sync(): Promise<void> {
    if (this.#syncing === undefined) {
      return this.#syncing = this.#sync().finally(() => this.#syncing = undefined);
    }
    // The sync in progress may have begun before the last line.
    return this.#syncingNext ??= this.#syncing.catch(() => {}).then(() => {
      this.#syncingNext = undefined;
      return this.sync();
    });
  }

  /** Closes the files. The last lines may not be durable: a server that stops does not wait for the disk. */
  [Symbol.dispose](): void {
    this.#failure ??= new Error("it is closed");
    this.#file?.close();
    this.#lock.close();
  }

  async #sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#file?.sync();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Another sync would succeed although lines are lost, so there is none. */
  #fail(cause: unknown): Error {
    return this.#failure ??= new Error(
      `its disk has failed to sync (${
        (cause as Error).message
      }): restart the server once the disk works`,
      { cause },
    );
  }

  #encode(what: Audited, fields: AuditFields) {
    const { server, wallClock = () => new Date() } = this.#options;
    const line = this.#head.line + 1;
    const frame = { line, time: wallClock().toISOString(), server, what };
    const bytes = encodeLine(frame, { fields, previous: this.#head.sha256 });
    return { bytes, head: { line, sha256: digestLine(bytes) } };
  }

  /** Begins the next file. Its first line names the oldest one that is kept. */
  #rotate(): void {
    const number = this.#number + 1;
    const first = Math.max(this.#first, number - this.#options.filesMax + 1);
    try {
      this.#file?.syncNow();
    } catch (error) {
      throw this.#fail(error);
    }
    const file = this.#disk.open(fileName(number));
    const { bytes, head } = this.#encode("opened", { file: number, first });
    try {
      // An earlier attempt may have failed half-way.
      file.truncate(0);
      writeAll(file, bytes, 0);
      file.syncNow();
      this.#disk.syncFolder();
    } catch (error) {
      file.close();
      throw error;
    }
    this.#file?.close();
    for (let old = this.#first; old < first; old++) {
      if (this.#disk.exists(fileName(old))) this.#disk.remove(fileName(old));
    }
    this.#file = file;
    [this.#number, this.#first, this.#size] = [number, first, bytes.length];
    [this.#head, this.#isTorn] = [head, false];
  }

  /** Continues after the last whole line. Returns what was cut after it. */
  #recover(): CutLine | undefined {
    const numbers = fileNumbers(this.#disk.names());
    let cut: CutLine | undefined;
    for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
      const file = this.#disk.open(fileName(number));
      try {
        const { bytes, end } = lastLine(file, firstZero(file));
        if (end < file.size()) cut = this.#cut(file, { number, from: end });
        if (bytes !== undefined) {
          this.#continue(file, { number, bytes, end });
          return cut;
        }
      } catch (error) {
        file.close();
        throw error;
      }
      file.close();
      // A server was killed while it began this file: begin it again.
    }
    return cut;
  }

  #continue(
    file: DiskFile,
    { number, bytes, end }: { number: number; bytes: Uint8Array; end: number },
  ): void {
    const { server } = this.#options;
    const line = parseLine(bytes, server);
    const opening = parseLine(firstLine(file), server);
    if (line === undefined || !Number.isInteger(opening?.first)) {
      throw new Error(
        `${
          fileName(number)
        } does not end in a line of ${server}: examine it with ./denow task verify, ` +
          "and move its folder away to begin another chain",
      );
    }
    this.#head = { line: line.line, sha256: digestLine(bytes) };
    this.#file = file;
    [this.#number, this.#first, this.#size] = [number, Number(opening!.first), end];
  }

  /** Keeps a copy of the end of a file beside it, and truncates it. */
  #cut(file: DiskFile, { number, from }: { number: number; from: number }): CutLine {
    const torn = new Uint8Array(file.size() - from);
    readFully(file, torn, from);
    const { wallClock = () => new Date() } = this.#options;
    const time = wallClock().toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
    const name = `${fileName(number)}${CUT_SUFFIX}${time}`;
    let copy = name;
    let target = this.#disk.create(copy);
    for (let n = 2; target === undefined; n++) target = this.#disk.create(copy = `${name}-${n}`);
    try {
      writeAll(target, torn, 0);
      target.syncNow();
      this.#disk.syncFolder();
    } finally {
      target.close();
    }
    file.truncate(from);
    return { bytes: torn.length, copy };
  }
}

/** Longer than any line. */
const LINE_BYTES_MAX = 64 * 1024;

function firstLine(file: DiskFile): Uint8Array {
  const bytes = new Uint8Array(LINE_BYTES_MAX);
  const filled = bytes.subarray(0, readFully(file, bytes, 0));
  return filled.subarray(0, filled.indexOf(LINE_FEED) + 1);
}
