/**
 * What a server knows of bets.csv without reading it again: the number of bets of each agency, and the
 * documents of its winners. Its memory grows with agencies and winners, not with bets.
 *
 * @module
 */

import { COMMA, LINE_FEED, SEMICOLON, ZERO } from "../../shared/ascii.ts";
import { ByteBuffer, parseDigits } from "../../shared/bytes.ts";
import { parseRow } from "../../shared/rows.ts";
import { RowScanner } from "../../shared/simd/row_scanner.ts";
import { AGENCIES_MAX, BIRTHDATE_BYTES } from "../../shared/bet.ts";
import { explainRow, type RowRules } from "./bet_row.ts";
import { FatalLedgerError } from "./fatal_error.ts";

/** Fields of a row: the agency, and those of its bet. */
const ROW_FIELDS = 6;
/** A piece of this size stays in the processor's cache while it is scanned. */
const ROOM_BYTES = 256 * 1024;
/** The rules that hold in every lottery and on every day. */
const LOOSEST_RULES: RowRules = { agencies: AGENCIES_MAX, today: 99991231 };

/** The documents of each agency's winners, joined by `;`, in the order of the file. */
export type Winners = ReadonlyMap<number, Uint8Array<ArrayBuffer>>;

/** A row of bets.csv is not a valid bet. The rows after it have not been read. */
export class DamagedRowError extends FatalLedgerError {
  override name = "DamagedRowError";
  /** Counted from 1. */
  readonly line: number;
  /** Position of the row's first byte in the file. */
  readonly offset: number;
  /** The broken rule, without the value that breaks it: it may be a person's name or document. */
  readonly rule: string;

  constructor(line: number, offset: number, rule: string) {
    super(
      `Cannot read bets.csv: line ${line}, at byte ${offset}, is not a valid bet: ${rule}. Nothing was ` +
        "changed. ./denow task check shows the row. Stop the servers, correct that line by hand and delete " +
        "bets.csv.round",
    );
    this.line = line;
    this.offset = offset;
    this.rule = rule;
  }
}

/** Counts rows and collects winners, in the order of the file. */
export class Tally {
  /** Bytes of the file that have been counted. Always the end of a row. */
  size = 0;
  #rows = 0;
  readonly #winningNumber: string;
  readonly #scanner: RowScanner;
  #winners = new Map<number, ByteBuffer>();
  /** The agency of the last winner, and its documents: winners of a batch are of one agency. */
  #lastAgency = 0;
  #lastDocuments = new ByteBuffer(0);

  constructor(winningNumber: number) {
    this.#winningNumber = String(winningNumber);
    this.#scanner = new RowScanner({ winningNumber, inputBytesMax: ROOM_BYTES });
  }

  /** Counted bets of an agency. */
  count(agency: number): number {
    return this.#scanner.counts[agency];
  }

  /** The winners so far. Rows that are counted later do not change what was returned. */
  winners(): Winners {
    return new Map(Array.from(this.#winners, ([agency, documents]) => [agency, documents.view()]));
  }

  /** Forgets everything. */
  clear(): void {
    this.size = this.#rows = 0;
    this.#scanner.counts.fill(0);
    this.#winners = new Map();
    this.#lastAgency = 0;
  }

  /** The buffer for the bytes that follow {@linkcode size}, to be counted by {@linkcode take}. */
  get room(): Uint8Array<ArrayBuffer> {
    return this.#scanner.input;
  }

  /**
   * Counts the complete rows at the beginning of {@linkcode room}.
   *
   * @param length How many bytes were put there.
   * @returns How many bytes were counted; the beginning of a row may follow them.
   * @throws {DamagedRowError} If a row is invalid.
   */
  take(length: number): number {
    const wholeRows = this.room.subarray(0, length).lastIndexOf(LINE_FEED) + 1;
    for (let at = 0; at < wholeRows;) {
      const { rows, bytes, listed } = this.#scanner.scan(at, wholeRows);
      const damaged = this.#takeListed(listed);
      if (damaged >= 0) this.#countUpTo(damaged, { at, rows, bytes });
      else this.#count(rows, bytes);
      at += bytes;
      if (damaged >= 0) throw this.damagedAt(damaged);
      if (at < wholeRows) throw this.damagedAt(at);
    }
    return wholeRows;
  }

  /** Counts rows, of which the last one is complete. */
  scan(rows: Uint8Array): void {
    for (let at = 0; at < rows.length;) {
      const piece = rows.subarray(at, at + this.room.length);
      this.room.set(piece);
      at += this.take(piece.length);
    }
  }

  #count(rows: number, bytes: number): void {
    this.#rows += rows;
    this.size += bytes;
  }

  /** Counts the rows of a scan up to one that is damaged, though the scanner has counted all of them. */
  #countUpTo(
    damaged: number,
    { at, rows, bytes }: { at: number; rows: number; bytes: number },
  ): void {
    let surplus = 0;
    for (let row = damaged; row < at + bytes; row = this.room.indexOf(LINE_FEED, row) + 1) {
      this.#scanner.counts[this.#agencyAt(row)]--;
      surplus++;
    }
    this.#count(rows - surplus, damaged - at);
  }

  #agencyAt(row: number): number {
    return parseDigits(this.room, row, this.room.indexOf(COMMA, row), AGENCIES_MAX);
  }

  /** Takes the rows that the scanner has listed; returns where the first damaged one begins, or -1. */
  #takeListed(listed: number): number {
    const { list } = this.#scanner;
    for (let at = 0; at < 3 * listed; at += 3) {
      const [from, lineEnd, isCommon] = [list[at], list[at + 1], list[at + 2]];
      const isTaken = isCommon === 1 && this.#takeCommonWinner(from, lineEnd) ||
        this.#takeUncommon(from, lineEnd);
      if (!isTaken) return from;
    }
    return -1;
  }

  /** Takes a winner with six fields and no quotes, without making strings; returns whether the row is one. */
  #takeCommonWinner(from: number, lineEnd: number): boolean {
    const bytes = this.room;
    const numberAt = lineEnd - this.#winningNumber.length;
    const dateAt = numberAt - 1 - BIRTHDATE_BYTES;
    if (bytes[numberAt - 1] !== COMMA || bytes[dateAt - 1] !== COMMA) return false;
    let documentAt = dateAt - 1;
    while (bytes[documentAt - 1] !== COMMA) documentAt--;
    let agency = 0;
    for (let at = from; bytes[at] !== COMMA; at++) agency = 10 * agency + bytes[at] - ZERO;
    this.#documentsOf(agency).writeRange(bytes, documentAt, dateAt - 1);
    return true;
  }

  /** Takes a row that may win; returns whether it is a row at all. */
  #takeUncommon(from: number, lineEnd: number): boolean {
    const fields = parseRow(this.room.subarray(from, lineEnd));
    if (fields.length !== ROW_FIELDS) return false;
    if (fields[5] === this.#winningNumber) {
      this.#documentsOf(Number(fields[0])).writeText(fields[3]);
    }
    return true;
  }

  /** The documents of an agency, ready for one more. */
  #documentsOf(agency: number): ByteBuffer {
    if (agency === this.#lastAgency) {
      this.#lastDocuments.writeByte(SEMICOLON);
      return this.#lastDocuments;
    }
    let documents = this.#winners.get(agency);
    if (documents === undefined) this.#winners.set(agency, documents = new ByteBuffer(64));
    else documents.writeByte(SEMICOLON);
    this.#lastAgency = agency;
    return this.#lastDocuments = documents;
  }

  /**
   * Describes the invalid row that follows the counted ones.
   *
   * @param at Where it begins in {@linkcode room}.
   */
  damagedAt(at: number, rules: RowRules = LOOSEST_RULES): DamagedRowError {
    const row = this.room.subarray(at, this.room.indexOf(LINE_FEED, at));
    const rule = explainRow(row, rules)?.rule ?? "it is damaged";
    return new DamagedRowError(this.#rows + 1, this.size, rule);
  }
}
