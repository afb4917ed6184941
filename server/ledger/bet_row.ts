/**
 * The rules of a row of bets.csv: `agency,first name,last name,document,birthdate,number`. The
 * fields keep the rules of a bet (shared/bet.ts), and exactly those fields are quoted that contain
 * a comma or a quote.
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
  describeRule,
  DOCUMENT_BYTES_MAX,
  FAULT_VALUE_CHARS_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
} from "../../shared/bet.ts";
import { parseDigits } from "../../shared/bytes.ts";
import { quoteText } from "../../shared/readable.ts";
import { UnquotedRow } from "./unquoted_row.ts";

/** A byte order mark is an ordinary character, which must be kept. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();
const fieldScanner = new BetScanner(";");

/** The length of a field that consists of quotes: each is doubled, and two enclose it. */
const quotedBytesMax = (bytesMax: number) => 2 * bytesMax + 2;

/** Longest row, in bytes, its line end included. */
export const ROW_BYTES_MAX = AGENCY_DIGITS_MAX + 1 +
  2 * (quotedBytesMax(NAME_BYTES_MAX) + 1) +
  quotedBytesMax(DOCUMENT_BYTES_MAX) + 1 +
  BIRTHDATE_BYTES + 1 +
  NUMBER_DIGITS_MAX + 1;

/** Why a line of a file is invalid. */
export interface LineFault {
  /** A short name of the broken rule, by which faults can be counted. */
  kind: string;
  /** The broken rule and the value that breaks it, which may be a person's name or document. */
  text: string;
}

/** Why a row is invalid. */
export interface RowFault extends LineFault {
  /** The broken rule and the field, for a log: without any value. */
  rule: string;
}

/** What decides whether a row is valid, besides its bytes. */
export interface RowRules {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  /** The latest valid birthdate, as `dayNumber()` gives it. */
  today: number;
}

/** The latest birthdate of a stored row: a clock that is wrong must not make stored bets invalid. */
export const LAST_DAY = 99991231;

/** Checks rows without allocating anything for a valid one. */
export class RowChecker {
  /** The agency of the row checked last, if that row is valid. */
  agency = 0;
  readonly #rules: RowRules;
  readonly #unquoted = new UnquotedRow(ROW_BYTES_MAX);
  readonly #scanner = new BetScanner(",");
  readonly #unquotedScanner = new BetScanner(";");

  constructor(rules: RowRules) {
    this.#rules = rules;
  }

  /** Returns what is wrong with the row from `from` to `to`; nothing if it is valid. */
  check(bytes: Uint8Array, from: number, to: number): RowFault | undefined {
    const row = this.#unquoted;
    const isValid = !hasQuote(bytes, from, to)
      ? this.#isValid(this.#scanner, { bytes, from, to, separator: COMMA })
      : row.read(bytes, from, to) &&
        this.#isValid(this.#unquotedScanner, {
          bytes: row.bytes,
          from: 0,
          to: row.length,
          separator: SEMICOLON,
        });
    return isValid ? undefined : explainRow(bytes.subarray(from, to), this.#rules);
  }

  /** Returns whether fields without quotes, with separators between them, are a valid row. */
  #isValid(scanner: BetScanner, { bytes, from, to, separator }: PlainFields): boolean {
    const { agencies, today } = this.#rules;
    let agencyEnd = from;
    while (agencyEnd < to && bytes[agencyEnd] !== separator) agencyEnd++;
    this.agency = parseDigits(bytes, from, agencyEnd, agencies);
    if (this.agency < 1 || bytes[from] === ZERO) return false;
    if (scanner.scan(bytes, agencyEnd + 1, to, today) !== undefined) return false;
    const numberAt = scanner.ends[3] + 1;
    return bytes[numberAt] !== ZERO || scanner.end === numberAt + 1;
  }
}

/** The fields of a row, without quotes. */
interface PlainFields {
  bytes: Uint8Array;
  from: number;
  to: number;
  separator: number;
}

function hasQuote(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  while (at < to && bytes[at] !== QUOTE) at++;
  return at < to;
}

/** Returns what is wrong with a row, its line end excluded; nothing if it is valid. */
export function explainRow(row: Uint8Array, rules: RowRules): RowFault | undefined {
  const fault = explainBytes(row);
  if (fault !== undefined) return fault;
  const text = decoder.decode(row);
  const fields = [...`,${text}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
  if (fields.map(quoteIfNeeded).join(",") !== text) {
    return faultOfRow("quoting", "is not CSV with minimal quoting", row);
  }
  if (fields.length !== BET_FIELDS.length + 1) {
    return faultOfRow("fields", `has ${fields.length} fields, not 6`, row);
  }
  return explainFields(fields, rules);
}

/** Finds faults that keep a row from being split into fields. */
function explainBytes(row: Uint8Array): RowFault | undefined {
  if (row.length === 0) return { kind: "empty", rule: "it is empty", text: "is empty" };
  if (row.includes(0)) {
    const count = row.reduce((sum, byte) => byte === 0 ? sum + 1 : sum, 0);
    return faultOfRow("NUL bytes", `contains ${count} NUL bytes`, row);
  }
  if (row.at(-1) === CARRIAGE_RETURN) {
    return faultOfRow("line end", "ends in \\r\\n, not in \\n", row);
  }
  try {
    strictDecoder.decode(row);
  } catch {
    return faultOfRow("encoding", "is not UTF-8", row);
  }
}

function explainFields(
  [agency, ...bet]: string[],
  { agencies, today }: RowRules,
): RowFault | undefined {
  if (!/^[1-9]\d*$/.test(agency)) {
    return faultOfField("agency", agency, "is not an agency's number");
  }
  if (Number(agency) > agencies) {
    return faultOfField("agency", agency, `is over ${agencies}, the number of agencies`);
  }
  // The scanner treats a `;` as the end of a field.
  const at = bet.findIndex((value) => value.includes(";"));
  if (at >= 0) return faultOfField(BET_FIELDS[at], bet[at], "contains a `;`");
  const bytes = encoder.encode(bet.join(";"));
  const fault = fieldScanner.scan(bytes, 0, bytes.length, today);
  if (fault !== undefined) {
    return { kind: fault.field, rule: describeRule(fault), text: describeFault(fault) };
  }
  if (/^0\d/.test(bet[4])) return faultOfField("number", bet[4], "has leading zeros");
}

/** A fault of a whole row. */
function faultOfRow(kind: string, predicate: string, row: Uint8Array): RowFault {
  return { kind, rule: `it ${predicate}`, text: `${predicate}: ${quoteBytes(row)}` };
}

/** A fault of one field. */
function faultOfField(kind: string, value: string, predicate: string): RowFault {
  return { kind, rule: `${kind} ${predicate}`, text: `${kind} ${quote(value)} ${predicate}` };
}

function quoteIfNeeded(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** Quotes a text for a message: escaped and shortened. */
function quote(text: string): string {
  return text.length <= FAULT_VALUE_CHARS_MAX
    ? quoteText(text)
    : `${quoteText(text.slice(0, FAULT_VALUE_CHARS_MAX))}…`;
}

/** Quotes the beginning of bytes for a message: as UTF-8, escaped and shortened. */
export function quoteBytes(bytes: Uint8Array): string {
  // A character takes up to four bytes; one more character shows that there is more.
  return quote(decoder.decode(bytes.subarray(0, 4 * (FAULT_VALUE_CHARS_MAX + 1))));
}
