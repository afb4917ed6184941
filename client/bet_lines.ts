/**
 * The lines of an agency's CSV file: one bet per line,
 * `first name,last name,document,birthdate,number`.
 *
 * @module
 */

import { CARRIAGE_RETURN, COLON, LINE_FEED, QUOTE } from "../shared/ascii.ts";
import {
  BET_FIELDS,
  type BetFault,
  BetScanner,
  describeFault,
  encodeBetFields,
} from "../shared/mod.ts";
import { isReadable, quoteRefused } from "../shared/readable.ts";
import { BetTranslator } from "../shared/simd/bet_translator.ts";

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Longest line of a file, in bytes, line end included. The longest bet takes 168, unless it has quotes. */
export const LINE_BYTES_MAX = 4096;
/** How much of a file is read at once. */
const PIECE_BYTES = 256 * 1024;

/** For fewer bytes than this, assembling the translator's kernel takes longer than they do line by line. */
const TRANSLATED_BYTES_MIN = 2048;

/** The bets cannot be read: the file is missing, has an invalid line, or has changed. */
export class BetFileError extends Error {
  override name = "BetFileError";
}

/** A source of bytes: the part of Deno.FsFile that is used. */
export interface ByteSource {
  /** Returns how many bytes it put into `bytes`; null at the end. */
  read(bytes: Uint8Array): Promise<number | null>;
}

/** Consecutive bets as a packet carries them, with a `:` after each. */
export interface BetBlock {
  readonly bytes: Uint8Array;
  /** Where each bet ends: the index of the `:` after it. */
  readonly ends: Int32Array;
  readonly count: number;
}

/** Options of {@linkcode BetLines}. */
export interface BetLinesOptions {
  /** The file's name, for messages. */
  name: string;
  /** The current day, as dayNumber() returns it. No birthdate may be later. */
  today: number;
  /** How much is read at once, in bytes. More than {@linkcode LINE_BYTES_MAX}. @default {256 KiB} */
  pieceBytes?: number;
  /** Fewer bytes than this are handled line by line. @default {2048, some 40 lines} */
  translatedBytesMin?: number;
  /** Takes each invalid line, which is then skipped. @default {read() throws at the first one} */
  onFault?: (fault: BetFileError) => void;
}

/** Reads the lines of one CSV file of any size, checks them, and encodes them for packets. */
export class BetLines {
  readonly #source: ByteSource;
  readonly #name: string;
  readonly #today: number;
  readonly #translatedBytesMin: number;
  readonly #translator: BetTranslator;
  readonly #scanner = new BetScanner(",");
  readonly #onFault: (fault: BetFileError) => void;
  /** Lines read so far. */
  #lines = 0;
  /** The number of an empty line, or 0. Only the last line of a file may be empty. */
  #emptyLine = 0;
  /** Where the bytes that are not translated yet begin and end in the translator's input. */
  #start = 0;
  #end = 0;
  #hasBegun = false;
  #hasEnded = false;
  /** Whether the input begins within a line that was too long. */
  #isWithinLongLine = false;

  constructor(source: ByteSource, options: BetLinesOptions) {
    const { name, today, pieceBytes = PIECE_BYTES, onFault } = options;
    this.#source = source;
    this.#name = name;
    this.#today = today;
    this.#translatedBytesMin = options.translatedBytesMin ?? TRANSLATED_BYTES_MIN;
    this.#onFault = onFault ?? ((fault) => {
      throw fault;
    });
    this.#translator = new BetTranslator({
      notation: "lines to packet",
      inputBytesMax: pieceBytes,
    });
  }

  /**
   * Reads the next bets.
   *
   * @returns One or more bets, valid until the next call; nothing at the end of the file.
   * @throws {BetFileError} At the first invalid line, with its number, unless there is `onFault`.
   */
  async read(): Promise<BetBlock | undefined> {
    const translator = this.#translator;
    translator.begin();
    while (translator.count === 0 && !this.#hasEnded) await this.#readPiece();
    const { count, ends, output } = translator;
    return count > 0 ? { bytes: output, ends, count } : undefined;
  }

  async #readPiece(): Promise<void> {
    const { input } = this.#translator;
    input.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    // One byte stays free for the line end that the last line may lack.
    const count = await this.#source.read(input.subarray(this.#end, -1));
    if (count === null) {
      this.#hasEnded = true;
      const lacksLineEnd = this.#end > 0 && input[this.#end - 1] !== LINE_FEED;
      if (lacksLineEnd) input[this.#end++] = LINE_FEED;
    } else this.#end += count;
    if (!this.#hasBegun) {
      if (this.#end < BYTE_ORDER_MARK.length && !this.#hasEnded) return;
      this.#skipByteOrderMark();
    }
    if (this.#isWithinLongLine) this.#skipLongLine();
    this.#takeLines(input.subarray(0, this.#end).lastIndexOf(LINE_FEED) + 1);
    if (this.#end - this.#start <= LINE_BYTES_MAX) return;
    this.#onFault(this.#lengthError(++this.#lines));
    this.#isWithinLongLine = true;
    this.#start = this.#end;
  }

  /** Skips the rest of a line that was too long, up to its line end if that has been read. */
  #skipLongLine(): void {
    const lineEnd = this.#translator.input.subarray(0, this.#end).indexOf(LINE_FEED);
    this.#isWithinLongLine = lineEnd < 0;
    this.#start = lineEnd < 0 ? this.#end : lineEnd + 1;
  }

  #skipByteOrderMark(): void {
    const { input } = this.#translator;
    this.#hasBegun = true;
    if (BYTE_ORDER_MARK.every((byte, index) => input[index] === byte)) {
      this.#start = BYTE_ORDER_MARK.length;
    }
  }

  /** Translates all lines before `end`. */
  #takeLines(end: number): void {
    const translator = this.#translator;
    while (this.#start < end) {
      if (this.#emptyLine > 0) {
        this.#onFault(this.#error(this.#emptyLine, "the line is empty"));
        this.#emptyLine = 0;
      }
      const before = translator.count;
      if (end - this.#start >= this.#translatedBytesMin) {
        this.#start = translator.translate(this.#start, end, this.#today);
      }
      this.#lines += translator.count - before;
      if (this.#start < end) this.#judgeUncommonLine();
    }
  }

  #judgeUncommonLine(): void {
    try {
      this.#takeUncommonLine();
    } catch (error) {
      if (!(error instanceof BetFileError)) throw error;
      this.#onFault(error);
    }
  }

  /** Takes a line that the translator has not accepted: it is invalid, or uncommon. */
  #takeUncommonLine(): void {
    const { input } = this.#translator;
    const start = this.#start;
    const lineEnd = input.indexOf(LINE_FEED, start);
    this.#start = lineEnd + 1;
    this.#lines++;
    if (this.#start - start > LINE_BYTES_MAX) throw this.#lengthError(this.#lines);
    const end = lineEnd > start && input[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
    if (end === start) this.#emptyLine = this.#lines;
    else this.#takeUncommonBet(input.subarray(start, end));
  }

  #takeUncommonBet(line: Uint8Array): void {
    const isQuoted = line.includes(QUOTE);
    const fields = isQuoted ? this.#parseLine(line) : this.#scanLine(line);
    if (fields.length !== BET_FIELDS.length) {
      const reason = `the line has ${fields.length} fields, not ${BET_FIELDS.length}`;
      throw this.#error(this.#lines, reason);
    }
    const fault = isQuoted ? fieldsFault(fields, this.#today) : undefined;
    if (fault !== undefined) throw this.#error(this.#lines, describeFault(fault));
    const [firstName, lastName, document, birthdate, number] = fields;
    const bet = { firstName, lastName, document, birthdate, number: Number(number) };
    this.#translator.add(new Uint8Array([...encodeBetFields(bet), COLON]));
  }

  #scanLine(line: Uint8Array): string[] {
    const fault = this.#scanner.scan(line, 0, line.length, this.#today);
    if (fault !== undefined) throw this.#error(this.#lines, describeFault(fault));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(line).split(",");
  }

  #parseLine(line: Uint8Array): string[] {
    const text = this.#decode(line);
    const fields = splitLine(text);
    if (fields !== undefined) return fields;
    const invisible = isReadable(text)
      ? ""
      : `; the line begins ${quoteRefused(text.slice(0, 40))}`;
    throw this.#error(
      this.#lines,
      'a quote is not closed on its line, or stands inside a field: write "Ana ""Pepa""" for Ana "Pepa"' +
        invisible,
    );
  }

  #decode(line: Uint8Array): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    } catch {
      throw this.#error(this.#lines, "the line is not UTF-8");
    }
  }

  #lengthError(line: number): BetFileError {
    return this.#error(line, `the line is longer than ${LINE_BYTES_MAX} bytes`);
  }

  #error(line: number, reason: string): BetFileError {
    return new BetFileError(`${this.#name}:${line}: ${reason}`);
  }
}

/**
 * Splits a line into fields, some of them in quotes (RFC 4180). Changes no other character: a line with quotes
 * must mean what it means without them.
 *
 * @returns Nothing if a quote is not closed, or stands inside a field.
 */
function splitLine(line: string): string[] | undefined {
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  const fields: string[] = [];
  for (;;) {
    const match = pattern.exec(line);
    if (match === null) return undefined;
    const [, quoted, plain, separator] = match;
    fields.push(quoted?.replaceAll('""', '"') ?? plain);
    if (separator === "") return fields;
  }
}

const fieldsScanner = new BetScanner(";");

/**
 * Checks the fields of a bet, in the order of BET_FIELDS.
 *
 * @param today The current day, as dayNumber() returns it.
 * @returns The first fault, or nothing.
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
