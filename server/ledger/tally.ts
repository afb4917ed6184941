/**
 * What a server knows of bets.csv without reading it again: the number of bets of each agency, and the
 * documents of its winners. Its memory grows with agencies and winners, not with bets.
 *
 * @module
 */

import { COMMA, LINE_FEED } from "../../shared/ascii.ts";
import { parseDigits } from "../../shared/bytes.ts";
import { parseRow } from "../../shared/rows.ts";
import { RowScanner } from "../../shared/simd/row_scanner.ts";
import { hasVectorInstructions } from "../../shared/simd/kernel.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { explainRow, ROW_BYTES_MAX, type RowRules } from "./bet_row.ts";
import { FatalLedgerError } from "./fatal_error.ts";
import type { Draw } from "./ledger.ts";
import { UnquotedRow } from "./unquoted_row.ts";
import { WinnerDocuments } from "./winner_documents.ts";

/** Fields of a row: the agency, and those of its bet. */
const ROW_FIELDS = 6;
/** A piece of this size stays in the processor's cache while it is scanned. */
const ROOM_BYTES = 256 * 1024;
/** The same without vector instructions: scanning more would take tens of milliseconds. */
const SCALAR_ROOM_BYTES = 32 * 1024;
/** The rules that hold in every lottery and on every day. */
const LOOSEST_RULES: RowRules = { agencies: AGENCIES_MAX, today: 99991231 };

/** The documents of each agency's winners, in the order of the file: in pieces, each joined by `;`. */
export type Winners = ReadonlyMap<number, Uint8Array<ArrayBuffer>[]>;

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
        "changed. ./denow task check shows the row. Stop all servers and correct that line by hand. If the file " +
        "is shorter then, accept that with ./denow task check --accept-loss",
    );
    this.line = line;
    this.offset = offset;
    this.rule = rule;
  }
}

const encoder = new TextEncoder();
const noDocuments = () => new Array<WinnerDocuments | undefined>(AGENCIES_MAX + 1).fill(undefined);

/** The draw with these winners. */
export function drawOf(winners: Winners): Draw {
  return {
    async *winners(agency) {
      yield* winners.get(agency) ?? [];
    },
  };
}

/** Counts rows and collects winners, in the order of the file. */
export class Tally {
  /** Bytes of the file that have been counted. Always the end of a row. */
  size = 0;
  #rows = 0;
  readonly #winningNumber: string;
  readonly #scanner: RowScanner;
  readonly #unquoted = new UnquotedRow(ROW_BYTES_MAX);
  /** By agency. */
  #documents = noDocuments();
  /** The agencies that have winners: the draw must not look through all that there might be. */
  #winning: number[] = [];

  constructor(winningNumber: number) {
    this.#winningNumber = String(winningNumber);
    const inputBytesMax = hasVectorInstructions() ? ROOM_BYTES : SCALAR_ROOM_BYTES;
    this.#scanner = new RowScanner({ winningNumber, inputBytesMax });
  }

  /** Counted bets of an agency. */
  count(agency: number): number {
    return this.#scanner.counts[agency];
  }

  /** The winners so far. Rows that are counted later do not change what was returned. */
  winners(): Winners {
    const winners = new Map<number, Uint8Array<ArrayBuffer>[]>();
    for (const agency of this.#winning) winners.set(agency, this.#documents[agency]!.pieces());
    return winners;
  }

  /** Forgets everything. */
  clear(): void {
    this.size = this.#rows = 0;
    this.#scanner.counts.fill(0);
    this.#documents = noDocuments();
    this.#winning = [];
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

  /** Processes the rows that the scanner has listed; returns where the first damaged row begins, or -1. */
  #takeListed(listed: number): number {
    const { list, documents } = this.#scanner;
    for (let at = 0; at < 3 * listed; at += 3) {
      const [agency, from, to] = [list[at], list[at + 1], list[at + 2]];
      if (agency > 0) this.#documentsOf(agency).write(documents, from, to);
      else if (!this.#takeUncommon(from, to)) return from;
    }
    return -1;
  }

  /** Counts a row that may win; returns whether it is a row at all. */
  #takeUncommon(from: number, lineEnd: number): boolean {
    const { bytes, ends } = this.#unquoted;
    if (!this.#unquoted.read(this.room, from, lineEnd)) return this.#takeOdd(from, lineEnd);
    // It ends in the digits of the winning number: it wins if no digit precedes them.
    if (ends[5] - ends[4] - 1 !== this.#winningNumber.length) return true;
    const agency = parseDigits(bytes, 0, ends[0], AGENCIES_MAX);
    this.#documentsOf(agency).write(bytes, ends[2] + 1, ends[3] + 1);
    return true;
  }

  /** Takes a row that no server writes, unless it is damaged. */
  #takeOdd(from: number, lineEnd: number): boolean {
    const fields = parseRow(this.room.subarray(from, lineEnd));
    if (fields.length !== ROW_FIELDS) return false;
    if (fields[5] !== this.#winningNumber) return true;
    const document = encoder.encode(`${fields[3]};`);
    this.#documentsOf(Number(fields[0])).write(document, 0, document.length);
    return true;
  }

  #documentsOf(agency: number): WinnerDocuments {
    const documents = this.#documents[agency];
    if (documents !== undefined) return documents;
    this.#winning.push(agency);
    return this.#documents[agency] = new WinnerDocuments();
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
