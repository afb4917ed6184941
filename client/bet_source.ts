/**
 * The bets of an agency, out of its CSV file: `first name,last name,document,birthdate,number`, a bet a
 * line. The file is read in pieces, so that it may be of any size, and its bets stay bytes.
 *
 * A file is read twice: {@linkcode BetFile.check} reads it entirely, so that a file with a bad line is
 * refused before anything of it is sent, and {@linkcode BetFile.read} hands out its bets.
 *
 * @module
 */

import { CARRIAGE_RETURN, COLON, LINE_FEED, QUOTE } from "../shared/ascii.ts";
import { parse } from "@std/csv/parse";
import { BET_FIELDS, type BetFault, BetScanner, dayNumber, describeFault } from "../shared/bet.ts";
import { BetTranslator } from "../shared/simd/bet_translator.ts";
import { encodeBetFields } from "../shared/packets.ts";

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Longest line of a file, in bytes, its line end included. The longest bet has about 170. */
export const LINE_BYTES_MAX = 4096;
/** How much of a file is read at once. */
const PIECE_BYTES = 256 * 1024;

/** The bets cannot be read: no such file, a bad line, or a file that changes. */
export class BetFileError extends Error {
  override name = "BetFileError";
}

/** Where bytes come from: the part of a file that is used to read it. */
export interface ByteSource {
  /** How many bytes it put into `bytes`; null at the end. */
  read(bytes: Uint8Array): Promise<number | null>;
}

/** Some bets in a row, as a packet carries them, a `:` behind each. */
export interface BetBlock {
  readonly bytes: Uint8Array;
  /** Where each bet ends; the next one begins behind the `:` there. */
  readonly ends: Int32Array;
  readonly count: number;
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
  readonly #translator: BetTranslator;
  readonly #scanner = new BetScanner(",");
  /** Lines that were read so far. */
  #lines = 0;
  /** The number of an empty line: only the last line of a file may be one. 0 if there was none. */
  #emptyLine = 0;
  /** What was read and not yet made into bets lies between these two. */
  #start = 0;
  #end = 0;
  #hasBegun = false;
  #isOver = false;

  constructor(source: ByteSource, { name, today, pieceBytes = PIECE_BYTES }: BetLinesOptions) {
    this.#source = source;
    this.#name = name;
    this.#today = today;
    this.#translator = new BetTranslator({
      notation: "lines to packet",
      inputBytesMax: pieceBytes,
    });
  }

  /**
   * Reads on.
   *
   * @returns The next bets, one or more, good until the next call; nothing at the end of the file.
   * @throws {BetFileError} At the first line that is no bet, with its number.
   */
  async read(): Promise<BetBlock | undefined> {
    const translator = this.#translator;
    translator.begin();
    while (translator.count === 0 && !this.#isOver) await this.#readPiece();
    const { count, ends, output } = translator;
    return count > 0 ? { bytes: output, ends, count } : undefined;
  }

  async #readPiece(): Promise<void> {
    const { input } = this.#translator;
    input.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    // There is always room for the line end that the last line may lack.
    const count = await this.#source.read(input.subarray(this.#end, -1));
    if (count === null) {
      this.#isOver = true;
      const isTorn = this.#end > 0 && input[this.#end - 1] !== LINE_FEED;
      if (isTorn) input[this.#end++] = LINE_FEED;
    } else this.#end += count;
    if (!this.#hasBegun) {
      if (this.#end < BYTE_ORDER_MARK.length && !this.#isOver) return;
      this.#skipByteOrderMark();
    }
    this.#takeLines(input.subarray(0, this.#end).lastIndexOf(LINE_FEED) + 1);
    if (this.#end - this.#start > LINE_BYTES_MAX) throw this.#refuseLength(this.#lines + 1);
  }

  #skipByteOrderMark(): void {
    const { input } = this.#translator;
    this.#hasBegun = true;
    if (BYTE_ORDER_MARK.every((byte, at) => input[at] === byte)) {
      this.#start = BYTE_ORDER_MARK.length;
    }
  }

  /** Takes all lines up to `end`. */
  #takeLines(end: number): void {
    const translator = this.#translator;
    while (this.#start < end) {
      if (this.#emptyLine > 0) throw this.#refuse(this.#emptyLine, "the line is empty");
      const before = translator.count;
      this.#start = translator.translate(this.#start, end, this.#today);
      this.#lines += translator.count - before;
      if (this.#start < end) this.#takeUncommonLine();
    }
  }

  /** Takes a line that only the rules in full can judge. */
  #takeUncommonLine(): void {
    const { input } = this.#translator;
    const start = this.#start;
    const lineEnd = input.indexOf(LINE_FEED, start);
    this.#start = lineEnd + 1;
    this.#lines++;
    if (this.#start - start > LINE_BYTES_MAX) throw this.#refuseLength(this.#lines);
    const end = lineEnd > start && input[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
    if (end === start) this.#emptyLine = this.#lines;
    else this.#takeUncommonBet(input.subarray(start, end));
  }

  #takeUncommonBet(line: Uint8Array): void {
    const isQuoted = line.includes(QUOTE);
    const fields = isQuoted ? this.#parseLine(line) : this.#scanLine(line);
    if (fields.length !== BET_FIELDS.length) {
      const reason = `the line has ${fields.length} fields, not ${BET_FIELDS.length}`;
      throw this.#refuse(this.#lines, reason);
    }
    const fault = isQuoted ? fieldsFault(fields, this.#today) : undefined;
    if (fault !== undefined) throw this.#refuse(this.#lines, describeFault(fault));
    const [firstName, lastName, document, birthdate, number] = fields;
    const bet = { firstName, lastName, document, birthdate, number: Number(number) };
    this.#translator.add(new Uint8Array([...encodeBetFields(bet), COLON]));
  }

  #scanLine(line: Uint8Array): string[] {
    const fault = this.#scanner.scan(line, 0, line.length, this.#today);
    if (fault !== undefined) throw this.#refuse(this.#lines, describeFault(fault));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(line).split(",");
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

  #refuseLength(line: number): BetFileError {
    return this.#refuse(line, `the line is longer than ${LINE_BYTES_MAX} bytes`);
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
