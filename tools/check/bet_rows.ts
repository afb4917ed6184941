/**
 * A row of bets.csv, checked against everything that servers promise of it: the rules of a bet, and how
 * they write one.
 *
 * @module
 */

import { CARRIAGE_RETURN, COMMA, QUOTE, SEMICOLON, ZERO } from "../../shared/ascii.ts";
import {
  AGENCY_DIGITS_MAX,
  BET_FIELDS,
  BetScanner,
  BIRTHDATE_BYTES,
  describeFault,
  DOCUMENT_BYTES_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
} from "../../shared/bet.ts";

/** A field of quotes alone: each is doubled, and two stand around it. */
const quotedBytesMax = (bytesMax: number) => 2 * bytesMax + 2;

/** Longest row that a server writes, its line end included. */
export const ROW_BYTES_MAX = AGENCY_DIGITS_MAX + 1 +
  2 * (quotedBytesMax(NAME_BYTES_MAX) + 1) +
  quotedBytesMax(DOCUMENT_BYTES_MAX) + 1 +
  BIRTHDATE_BYTES + 1 +
  NUMBER_DIGITS_MAX + 1;

/** Longest text that a fault quotes. */
const SHOWN_CHARS_MAX = 80;

/** What is wrong with a line of a file. */
export interface LineFault {
  /** Faults of one kind are counted together. */
  kind: string;
  /** The rule that is broken, and the value that breaks it. */
  text: string;
}

/** What {@linkcode RowChecker} has to know. */
export interface RowRules {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  /** No birthdate is later: a day as `dayNumber()` gives it. */
  today: number;
}

/** Checks rows, without making an object for one that is sound. */
export class RowChecker {
  /** The agency of the row that was checked last, if it was sound. */
  agency = 0;
  readonly #rules: RowRules;
  readonly #scanner = new BetScanner(",");
  readonly #unquoted = new UnquotedRow();
  readonly #unquotedScanner = new BetScanner(";");

  constructor(rules: RowRules) {
    this.#rules = rules;
  }

  /**
   * What is wrong with the row from `from` to `to`, its line end left out; nothing if it is sound.
   * It is at the most {@linkcode ROW_BYTES_MAX} bytes long.
   */
  check(bytes: Uint8Array, from: number, to: number): LineFault | undefined {
    const scanner = this.#scanner;
    const end = this.#readAgency(bytes, from, to, COMMA);
    const isSound = end >= 0 &&
      scanner.scan(bytes, end + 1, to, this.#rules.today) === undefined &&
      !scanner.needsQuotes && !hasLeadingZero(bytes, scanner);
    if (isSound) return undefined;
    const row = bytes.subarray(from, to);
    return this.#isSoundQuoted(row) ? undefined : this.#explain(row);
  }

  /** Where the agency's number ends, which is then `agency`; -1 if it is no agency of this lottery. */
  #readAgency(bytes: Uint8Array, from: number, to: number, separator: number): number {
    let agency = 0;
    let at = from;
    for (; at < to && bytes[at] !== separator; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) return -1;
      agency = agency * 10 + digit;
    }
    this.agency = agency;
    return agency >= 1 && agency <= this.#rules.agencies && bytes[from] !== ZERO ? at : -1;
  }

  /** Whether a row with quotes is sound. It is a bet as a packet has it, once the quotes are taken off. */
  #isSoundQuoted(row: Uint8Array): boolean {
    const { bytes, ends } = this.#unquoted;
    const scanner = this.#unquotedScanner;
    if (!this.#unquoted.read(row) || row.includes(SEMICOLON)) return false;
    const agencyEnd = this.#readAgency(bytes, 0, ends[0], SEMICOLON);
    return agencyEnd >= 0 &&
      scanner.scan(bytes, agencyEnd + 1, ends.at(-1)!, this.#rules.today) === undefined &&
      !hasLeadingZero(bytes, scanner);
  }

  /** Finds words for what is wrong with a row. */
  #explain(row: Uint8Array): LineFault {
    const fault = faultOfBytes(row);
    if (fault !== undefined) return fault;
    if (!this.#unquoted.read(row)) {
      return { kind: "quoting", text: `is not CSV with minimal quoting: ${shownBytes(row)}` };
    }
    const fields = this.#unquoted.fields();
    if (fields.length !== BET_FIELDS.length + 1) {
      return { kind: "fields", text: `has ${fields.length} fields, not 6: ${shownBytes(row)}` };
    }
    return this.#explainFields(fields);
  }

  #explainFields([agency, ...bet]: string[]): LineFault {
    const { agencies, today } = this.#rules;
    const isNumber = /^[1-9]\d*$/.test(agency);
    if (!isNumber || Number(agency) > agencies) {
      const rule = isNumber ? `is over ${agencies}, the number of agencies` : "is no agency";
      return { kind: "agency", text: `agency ${shown(agency)} ${rule}` };
    }
    // The scanner takes this for the end of a field; no field of a bet may hold it.
    const semicolon = bet.findIndex((value) => value.includes(";"));
    if (semicolon >= 0) {
      const field = BET_FIELDS[semicolon];
      return { kind: field, text: `${field} ${shown(bet[semicolon])} holds a \`;\`` };
    }
    const bytes = new TextEncoder().encode(bet.join(";"));
    const fault = this.#unquotedScanner.scan(bytes, 0, bytes.length, today);
    if (fault !== undefined) return { kind: fault.field, text: describeFault(fault) };
    return { kind: "number", text: `number ${shown(bet[4])} has leading zeros` };
  }
}

/** The fields of one row, their quotes taken off. */
class UnquotedRow {
  /** The fields, a `;` between two. */
  readonly bytes = new Uint8Array(ROW_BYTES_MAX);
  /** Where each field ends. */
  readonly ends: number[] = [];
  #length = 0;

  /** Reads a row; false unless it is quoted as RFC 4180 has it, where it must be and nowhere else. */
  read(row: Uint8Array): boolean {
    const { bytes } = this;
    this.#length = 0;
    this.ends.length = 0;
    for (let at = 0;; at++) {
      at = row[at] === QUOTE ? this.#readQuoted(row, at + 1) : this.#readPlain(row, at);
      if (at < 0 || (at < row.length && row[at] !== COMMA)) return false;
      this.ends.push(this.#length);
      if (at === row.length) return true;
      bytes[this.#length++] = SEMICOLON;
    }
  }

  /** The fields as texts. */
  fields(): string[] {
    return this.ends.map((end, index) =>
      decode(this.bytes.subarray(index === 0 ? 0 : this.ends[index - 1] + 1, end))
    );
  }

  /** Reads a field without quotes; returns where it ends. */
  #readPlain(row: Uint8Array, at: number): number {
    for (; at < row.length && row[at] !== COMMA && row[at] !== QUOTE; at++) {
      this.bytes[this.#length++] = row[at];
    }
    return at;
  }

  /** Reads a field behind its first quote; returns where its last one is left behind, or -1. */
  #readQuoted(row: Uint8Array, at: number): number {
    let isNeeded = false;
    for (; at < row.length; at++) {
      if (row[at] === QUOTE && row[++at] !== QUOTE) return isNeeded ? at : -1;
      if (row[at] === QUOTE || row[at] === COMMA) isNeeded = true;
      this.bytes[this.#length++] = row[at];
    }
    return -1;
  }
}

function hasLeadingZero(bytes: Uint8Array, { ends, end }: BetScanner): boolean {
  return bytes[ends[3] + 1] === ZERO && end > ends[3] + 2;
}

/** What is wrong with a row before one looks at its fields. */
function faultOfBytes(row: Uint8Array): LineFault | undefined {
  if (row.length === 0) return { kind: "empty", text: "is empty" };
  if (row.includes(0)) {
    const count = row.reduce((sum, byte) => byte === 0 ? sum + 1 : sum, 0);
    return { kind: "NUL bytes", text: `holds ${count} NUL bytes: ${shownBytes(row)}` };
  }
  if (row.at(-1) === CARRIAGE_RETURN) {
    return { kind: "line end", text: `ends in \\r\\n, not in \\n: ${shownBytes(row)}` };
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(row);
  } catch {
    return { kind: "encoding", text: `is not UTF-8: ${shownBytes(row)}` };
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** A text as a message quotes it: escaped, and not too long. */
export function shown(text: string): string {
  return text.length <= SHOWN_CHARS_MAX
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, SHOWN_CHARS_MAX))}…`;
}

/** Bytes as a message quotes them. */
export function shownBytes(bytes: Uint8Array): string {
  // Four bytes a character at the most, and one character more to see that it is too long.
  return shown(decode(bytes.subarray(0, 4 * (SHOWN_CHARS_MAX + 1))));
}
