/**
 * The file that holds the bets of one agency.
 *
 * @module
 */

import { dayNumber } from "../shared/mod.ts";
import { type BetBlock, BetFileError, BetLines } from "./bet_lines.ts";

/**
 * A file of valid bets. Opening it reads the file once and checks every line, so that a file with an invalid
 * line is rejected before any of its bets is sent. {@linkcode BetFile.read} then reads it again.
 */
export class BetFile implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #today: number;
  #lines: BetLines | undefined;
  #total = 0;
  /** The state of the file when it was checked. */
  #version = "";
  #bets = 0;

  private constructor(path: string, file: Deno.FsFile, today: number) {
    this.#path = path;
    this.#file = file;
    this.#today = today;
  }

  /**
   * Opens a file and checks every line.
   *
   * @param nowMs The time that decides which birthdates are in the future. @default {Date.now()}
   * @throws {BetFileError} If the file cannot be read, or at the first invalid line, with its number.
   */
  static async open(path: string, nowMs = Date.now()): Promise<BetFile> {
    const file = new BetFile(path, openRegularFile(path), dayNumber(nowMs));
    try {
      await file.#check();
      return file;
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /** The file's path. */
  get name(): string {
    return this.#path;
  }

  /** The number of bets in the file. */
  get total(): number {
    return this.#total;
  }

  /**
   * Reads the next bets.
   *
   * @returns One or more, valid until the next call; nothing at the end of the file.
   * @throws {BetFileError} If the file has changed since it was opened.
   */
  async read(): Promise<BetBlock | undefined> {
    this.#lines ??= this.#readFromStart();
    const block = await this.#lines.read();
    this.#bets += block?.count ?? 0;
    // Check before returning the bets: only checked bets are sent.
    this.#requireUnchanged();
    if (block === undefined && this.#bets !== this.#total) throw this.#changedError();
    return block;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #check(): Promise<void> {
    this.#version = this.#currentVersion();
    const lines = this.#readFromStart();
    for (let block = await lines.read(); block !== undefined; block = await lines.read()) {
      this.#total += block.count;
    }
    this.#requireUnchanged();
  }

  #readFromStart(): BetLines {
    this.#file.seekSync(0, Deno.SeekMode.Start);
    const source = { read: (bytes: Uint8Array) => this.#readBytes(bytes) };
    return new BetLines(source, { name: this.#path, today: this.#today });
  }

  async #readBytes(bytes: Uint8Array): Promise<number | null> {
    try {
      return await this.#file.read(bytes);
    } catch (error) {
      const reason = (error as Error).message;
      throw new BetFileError(`Cannot read bets: ${this.#path}: ${reason}`, { cause: error });
    }
  }

  #requireUnchanged(): void {
    if (this.#currentVersion() !== this.#version) throw this.#changedError();
  }

  #currentVersion(): string {
    // Asking in a thread takes twenty times as long.
    const { size, mtime } = this.#file.statSync();
    return `${size} ${mtime?.getTime()}`;
  }

  #changedError(): BetFileError {
    return new BetFileError(
      `Cannot read bets: ${this.#path} changed while it was being read: start again, and do not change it ` +
        "meanwhile",
    );
  }
}

function openRegularFile(path: string): Deno.FsFile {
  try {
    const stat = Deno.statSync(path);
    if (stat.isFile) return Deno.openSync(path);
  } catch (error) {
    throw new BetFileError(`Cannot read bets: ${openFault(path, error)}`, { cause: error });
  }
  throw new BetFileError(`Cannot read bets: ${path} is not a regular file`);
}

function openFault(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return `there is no file ${path}`;
  const isDenied = error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable;
  return isDenied
    ? `there is no permission to read ${path}`
    : `${path}: ${(error as Error).message}`;
}

/**
 * Finds the file of an agency's bets.
 *
 * @param data The setting `data`.
 * @returns `data` itself, or the path of agency-N.csv in it if it is a folder.
 */
export function betFilePath(data: string, agency: number): string {
  return isFile(data) ? data : `${data.replace(/[/\\]+$/, "")}/agency-${agency}.csv`;
}

/** Whether `path` is a file or, if nothing can be found there, is named as one. */
function isFile(path: string): boolean {
  try {
    return !Deno.statSync(path).isDirectory;
  } catch {
    return /\.csv$/i.test(path);
  }
}
