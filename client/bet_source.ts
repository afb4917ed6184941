/**
 * The bets of an agency, out of its CSV file: `first name,last name,document,birthdate,number`, a bet a
 * line. The file is read in pieces, so that it may be of any size, and its bets stay bytes.
 *
 * A file is read twice: {@linkcode BetFile.check} reads it entirely, so that a file with a bad line is
 * refused before anything of it is sent, and {@linkcode BetFile.read} hands out its bets.
 *
 * @module
 */

import { parse } from "@std/csv/parse";
import { BET_FIELDS, type BetFault, BetScanner, dayNumber, describeFault } from "../shared/bet.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const ZERO = 0x30;
const SEMICOLON = 0x3b;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Longest line of a file, in bytes, its line end included. The longest bet has about 170. */
export const LINE_BYTES_MAX = 4096;
/** How much of a file is read at once. */
const PIECE_BYTES = 256 * 1024;
/** Shortest line that holds a bet: `a,b,1,1999-01-01,0` and its line end. */
const LINE_BYTES_MIN = 19;

/** The bets cannot be read: no such file, a bad line, or a file that changes. */
export class BetFileError extends Error {
  override name = "BetFileError";
}

/** Where bytes come from: the part of a file that is used to read it. */
export interface ByteSource {
  /** How many bytes it put into `bytes`; null at the end. */
  read(bytes: Uint8Array): Promise<number | null>;
}

/** Some bets in a row, as a packet carries them, each between its place in `starts` and in `ends`. */
export interface BetBlock {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  count: number;
}

/** Options of {@linkcode BetLines}. */
export interface BetLinesOptions {
  /** How messages name the file. */
  name: string;
  /** No birthdate is later: the current day, as dayNumber() gives it. */
  today: number;
  /** How much is read at once, more than {@linkcode LINE_BYTES_MAX}. @default {256 KiB} */
  pieceBytes?: number;
}

/** Reads the lines of one CSV file, once, and checks that each is a bet. */
export class BetLines {
  readonly #source: ByteSource;
  readonly #name: string;
  readonly #today: number;
  readonly #csvScanner = new BetScanner(",");
  readonly #block: BetBlock & { bytes: Uint8Array };
  /** Lines that were read so far. */
  #lines = 0;
  /** The number of an empty line: only the last line of a file may be one. 0 if there was none. */
  #emptyLine = 0;
  /** What was read and not yet made into bets lies between these two. */
  #start = 0;
  #end = 0;
  #isOver = false;

  constructor(source: ByteSource, { name, today, pieceBytes = PIECE_BYTES }: BetLinesOptions) {
    this.#source = source;
    this.#name = name;
    this.#today = today;
    const betsMax = Math.ceil(pieceBytes / LINE_BYTES_MIN) + 1;
    this.#block = {
      bytes: new Uint8Array(pieceBytes),
      starts: new Int32Array(betsMax),
      ends: new Int32Array(betsMax),
      count: 0,
    };
  }

  /**
   * Reads on.
   *
   * @returns The next bets, one or more, good until the next call; nothing at the end of the file.
   * @throws {BetFileError} At the first line that is no bet, with its number.
   */
  async read(): Promise<BetBlock | undefined> {
    const block = this.#block;
    block.count = 0;
    while (block.count === 0 && !this.#isOver) {
      block.bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
      const count = await this.#source.read(block.bytes.subarray(this.#end));
      if (count === null) this.#finish();
      else this.#takeLines(count);
    }
    return block.count > 0 ? block : undefined;
  }

  /** Takes all complete lines, of which `count` more bytes have just been read. */
  #takeLines(count: number): void {
    const bytes = this.#block.bytes;
    let searchFrom = this.#end;
    this.#end += count;
    const read = bytes.subarray(0, this.#end);
    for (;;) {
      const lineEnd = read.indexOf(LINE_FEED, searchFrom);
      if ((lineEnd < 0 ? this.#end : lineEnd + 1) - this.#start > LINE_BYTES_MAX) {
        throw this.#refuse(this.#lines + 1, `the line is longer than ${LINE_BYTES_MAX} bytes`);
      }
      if (lineEnd < 0) return;
      this.#takeLine(this.#start, lineEnd);
      this.#start = searchFrom = lineEnd + 1;
    }
  }

  /** Takes the last line, which may lack its line end. */
  #finish(): void {
    this.#isOver = true;
    if (this.#start < this.#end) this.#takeLine(this.#start, this.#end);
  }

  #takeLine(from: number, to: number): void {
    const bytes = this.#block.bytes;
    let start = from;
    let end = to;
    if (
      this.#lines++ === 0 && BYTE_ORDER_MARK.every((byte, index) => bytes[from + index] === byte)
    ) {
      start += BYTE_ORDER_MARK.length;
    }
    if (end > start && bytes[end - 1] === CARRIAGE_RETURN) end--;
    if (this.#emptyLine > 0) throw this.#refuse(this.#emptyLine, "the line is empty");
    if (end <= start) this.#emptyLine = this.#lines;
    else this.#takeBet(start, end);
  }

  #takeBet(start: number, end: number): void {
    const bytes = this.#block.bytes;
    const scanner = this.#csvScanner;
    const fault = scanner.scan(bytes, start, end, this.#today);
    if (fault !== undefined || scanner.needsQuotes) {
      if (bytes.subarray(start, end).includes(QUOTE)) return this.#takeQuotedBet(start, end);
      if (fault !== undefined) throw this.#refuse(this.#lines, describeFault(fault));
    }
    const ends = scanner.ends;
    bytes[ends[0]] =
      bytes[ends[1]] =
      bytes[ends[2]] =
      bytes[ends[3]] =
        SEMICOLON;
    this.#add(start, ends[3] + 1, end);
  }

  /** Takes a bet with quotes about a field. It is written over its line, which is longer. */
  #takeQuotedBet(start: number, end: number): void {
    const bytes = this.#block.bytes;
    const fields = this.#parseLine(bytes.subarray(start, end));
    if (fields.length !== BET_FIELDS.length) {
      const reason = `the line has ${fields.length} fields, not ${BET_FIELDS.length}`;
      throw this.#refuse(this.#lines, reason);
    }
    const fault = fieldsFault(fields, this.#today);
    if (fault !== undefined) throw this.#refuse(this.#lines, describeFault(fault));
    const bet = new TextEncoder().encode(fields.join(";"));
    bytes.set(bet, start);
    this.#add(start, start + bet.lastIndexOf(SEMICOLON) + 1, start + bet.length);
  }

  #parseLine(line: Uint8Array): string[] {
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
      return parse(text)[0] ?? [];
    } catch (error) {
      if (error instanceof TypeError) throw this.#refuse(this.#lines, "the line is not UTF-8");
      if (!(error instanceof SyntaxError)) throw error;
      throw this.#refuse(
        this.#lines,
        'a quote is not closed on its line, or stands inside a field: write "Ana ""Pepa""" for Ana "Pepa"',
      );
    }
  }

  /** Adds a bet to the block, the zeros before its number left out. */
  #add(start: number, numberStart: number, end: number): void {
    const { bytes, starts, ends } = this.#block;
    let digits = numberStart;
    while (digits < end - 1 && bytes[digits] === ZERO) digits++;
    if (digits > numberStart) bytes.copyWithin(numberStart, digits, end);
    starts[this.#block.count] = start;
    ends[this.#block.count++] = end - (digits - numberStart);
  }

  #refuse(line: number, reason: string): BetFileError {
    return new BetFileError(`${this.#name}:${line}: ${reason}`);
  }
}

const fieldsScanner = new BetScanner(";");

/**
 * Checks the fields of a bet, five texts.
 *
 * @param today The current day, as dayNumber() gives it.
 * @returns What is wrong, or nothing.
 */
export function fieldsFault(fields: readonly string[], today: number): BetFault | undefined {
  const index = fields.findIndex((value) => value.includes(";"));
  if (index >= 0) {
    const reason = "holds a `;`, which no packet can carry";
    return { field: BET_FIELDS[index], reason, value: fields[index] };
  }
  const bytes = new TextEncoder().encode(fields.join(";"));
  return fieldsScanner.scan(bytes, 0, bytes.length, today);
}

/** The bets of one agency in a file. */
export class BetFile implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #today: number;
  /** What the file looked like when it was checked. */
  #checked = { bets: 0, version: "" };
  #bets = 0;
  #lines: BetLines | undefined;

  private constructor(path: string, file: Deno.FsFile, today: number) {
    this.#path = path;
    this.#file = file;
    this.#today = today;
  }

  /**
   * Opens a file of bets.
   *
   * @throws {BetFileError} If there is none that can be read.
   */
  static async open(path: string, nowMs = Date.now()): Promise<BetFile> {
    try {
      const stat = await Deno.stat(path);
      if (!stat.isFile) throw new BetFileError(`Cannot read bets: ${path} is no regular file`);
      return new BetFile(path, await Deno.open(path), dayNumber(nowMs));
    } catch (error) {
      if (error instanceof BetFileError) throw error;
      throw new BetFileError(`Cannot read bets: ${openFault(path, error)}`, { cause: error });
    }
  }

  /**
   * Reads the whole file and checks every line.
   *
   * @returns How many bets it holds.
   * @throws {BetFileError} At the first line that is no bet, with its number.
   */
  async check(): Promise<number> {
    const version = await this.#version();
    const lines = await this.#startAgain();
    let bets = 0;
    for (;;) {
      const block = await lines.read();
      if (block === undefined) break;
      bets += block.count;
    }
    this.#checked = { bets, version };
    await this.#checkVersion();
    this.#lines = undefined;
    return bets;
  }

  /**
   * Reads the next bets of a file that was checked.
   *
   * @returns One or more, good until the next call; nothing at the end of the file.
   * @throws {BetFileError} If the file is no longer the one that was checked.
   */
  async read(): Promise<BetBlock | undefined> {
    if (this.#lines === undefined) {
      this.#bets = 0;
      this.#lines = await this.#startAgain();
    }
    const block = await this.#lines.read();
    this.#bets += block?.count ?? 0;
    // Before the bets are handed out: what is sent is what was checked.
    await this.#checkVersion();
    if (block === undefined && this.#bets !== this.#checked.bets) throw this.#changed();
    return block;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  async #startAgain(): Promise<BetLines> {
    await this.#file.seek(0, Deno.SeekMode.Start);
    const source = { read: (bytes: Uint8Array) => this.#readFile(bytes) };
    return new BetLines(source, { name: this.#path, today: this.#today });
  }

  async #readFile(bytes: Uint8Array): Promise<number | null> {
    try {
      return await this.#file.read(bytes);
    } catch (error) {
      const reason = (error as Error).message;
      throw new BetFileError(`Cannot read bets: ${this.#path}: ${reason}`, { cause: error });
    }
  }

  async #checkVersion(): Promise<void> {
    if (await this.#version() !== this.#checked.version) throw this.#changed();
  }

  async #version(): Promise<string> {
    const { size, mtime } = await this.#file.stat();
    return `${size} ${mtime?.getTime()}`;
  }

  #changed(): BetFileError {
    return new BetFileError(
      `Cannot read bets: ${this.#path} was changed while it was being read: leave it alone and start again`,
    );
  }
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
 * The file of an agency's bets: `data` itself, or agency-N.csv in it if it is a folder.
 *
 * @param data The setting `data`.
 */
export async function betFilePath(data: string, agency: number): Promise<string> {
  const isFile = await Deno.stat(data).then(
    (stat) => !stat.isDirectory,
    () => /\.csv$/i.test(data),
  );
  return isFile ? data : `${data.replace(/[/\\]+$/, "")}/agency-${agency}.csv`;
}
