/**
 * A bet and its rules. Agency and server check bets with the same code, so they cannot disagree. It
 * works on bytes, so neither makes a string per field.
 *
 * @module
 */

import { COLON, COMMA, DASH, QUOTE, SEMICOLON, ZERO } from "./ascii.ts";
import { quoteRefused } from "./readable.ts";

/** One bet of one agency, in readable form. The programs themselves work on its bytes. */
export interface Bet {
  /** 1 to AGENCIES_AMOUNT. */
  agency: number;
  /** 1 to {@linkcode NAME_BYTES_MAX} bytes of UTF-8. */
  firstName: string;
  /** 1 to {@linkcode NAME_BYTES_MAX} bytes of UTF-8. */
  lastName: string;
  /** 1 to {@linkcode DOCUMENT_BYTES_MAX} bytes of UTF-8. */
  document: string;
  /** A calendar date, YYYY-MM-DD, not in the future. */
  birthdate: string;
  /** 0 to {@linkcode NUMBER_MAX}. */
  number: number;
}

/** Longest first or last name, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 64;
/** Longest document, in bytes of UTF-8. */
export const DOCUMENT_BYTES_MAX = 20;
/** Length of a birthdate, `YYYY-MM-DD`, in bytes. */
export const BIRTHDATE_BYTES = 10;
/** Highest number to bet on. */
export const NUMBER_MAX = 9999;
/** Number of digits of {@linkcode NUMBER_MAX}. */
export const NUMBER_DIGITS_MAX = 4;
/** Most agencies of a lottery: the upper limit of AGENCIES_AMOUNT. */
export const AGENCIES_MAX = 9999;
/** Number of digits of {@linkcode AGENCIES_MAX}. */
export const AGENCY_DIGITS_MAX = 4;

/** The fields of a bet, without its agency, in the order of packets and CSV rows. */
export const BET_FIELDS = ["first name", "last name", "document", "birthdate", "number"] as const;

/** Why a bet is invalid. */
export interface BetFault {
  field: (typeof BET_FIELDS)[number];
  /** The rule that the field breaks, as the end of a sentence: `is over 9999`. */
  reason: string;
  /** The field as sent, cut to {@linkcode FAULT_VALUE_CHARS_MAX} characters. */
  value: string;
}

/** Longest value that a fault quotes, in characters: a hostile field must not fill the log. */
export const FAULT_VALUE_CHARS_MAX = 80;

/**
 * Describes a fault in one line, the value quoted and escaped.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { describeFault } from "./bet.ts";
 *
 * const fault = { field: "number", value: "10000", reason: "is over 9999" } as const;
 * assertEquals(describeFault(fault), 'number "10000" is over 9999');
 * ```
 */
export function describeFault({ field, value, reason }: BetFault): string {
  return `${field} ${quoteRefused(value)} ${reason}`;
}

/** Describes a fault without the value, which may be personal data: `number is over 9999`. */
export function describeRule({ field, reason }: BetFault): string {
  return `${field} ${reason}`;
}

/** Kinds of byte in a text. A plain one needs no further check. */
const PLAIN = 0;
/** Ends the field. */
const SEPARATOR = 1;
/** Allowed, but a CSV file must quote the field. */
const QUOTABLE = 2;
/** Begins or continues a character of several bytes. */
const MULTIBYTE = 3;
/** A control character, or a delimiter of the protocol. */
const FORBIDDEN = 4;

function kindsOf(separator: number): Uint8Array {
  const kinds = new Uint8Array(256);
  kinds.fill(FORBIDDEN, 0x00, 0x20);
  kinds[0x7f] = FORBIDDEN;
  kinds.fill(MULTIBYTE, 0x80);
  kinds[COLON] = kinds[SEMICOLON] = FORBIDDEN;
  kinds[COMMA] = kinds[QUOTE] = QUOTABLE;
  kinds[separator] = SEPARATOR;
  return kinds;
}

/**
 * Finds the fields of one bet in a buffer and checks every rule, in one pass. It allocates nothing
 * for a valid bet: the scanner's own properties hold the result of the last scan.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { BetScanner, dayNumber } from "./bet.ts";
 *
 * const row = new TextEncoder().encode("Ana,Paz,30123456,1990-05-30,7574");
 * const scanner = new BetScanner(",");
 * const fault = scanner.scan(row, 0, row.length, dayNumber(Date.now()));
 *
 * assertEquals(fault, undefined);
 * assertEquals(scanner.number, 7574);
 * assertEquals(new TextDecoder().decode(row.subarray(0, scanner.ends[0])), "Ana");
 * ```
 */
export class BetScanner {
  /** Where each field before the number ends: the index of the separator after it. */
  readonly ends = new Int32Array(4);
  /** The number bet on. */
  number = 0;
  /** Where the bet ends: the index of the terminator, or the `to` of the scan. */
  end = 0;
  /** Whether a field contains a comma or a quote, so that a CSV file must quote it. */
  needsQuotes = false;

  readonly #kinds: Uint8Array;
  readonly #separator: number;
  readonly #terminator: number;
  #reason = "";

  /**
   * @param separator The byte between fields: `;` in a packet, `,` in a CSV file.
   * @param terminator The byte that may follow the bet: `:` in a packet, none in a CSV file.
   */
  constructor(separator: ";" | ",", terminator: ":" | "" = "") {
    this.#separator = separator.charCodeAt(0);
    this.#terminator = terminator === "" ? -1 : terminator.charCodeAt(0);
    this.#kinds = kindsOf(this.#separator);
  }

  /**
   * Scans the bet that begins at `from` and ends at the terminator or at `to`.
   *
   * @param today The current day as {@linkcode dayNumber} returns it. No birthdate may be later.
   * @returns The first rule that the bet breaks, or `undefined` for a valid bet.
   */
  scan(bytes: Uint8Array, from: number, to: number, today: number): BetFault | undefined {
    this.needsQuotes = false;
    const ends = this.ends;
    let at = from;
    for (let field = 0; field < 3; field++) {
      const bytesMax = field === 2 ? DOCUMENT_BYTES_MAX : NAME_BYTES_MAX;
      const end = this.#scanText(bytes, at, to, bytesMax);
      if (end < 0) return this.#fault(field, bytes, at, to);
      ends[field] = end;
      at = end + 1;
    }
    if (!this.#scanBirthdate(bytes, at, to, today)) return this.#fault(3, bytes, at, to);
    ends[3] = at + BIRTHDATE_BYTES;
    at = ends[3] + 1;
    if (!this.#scanNumber(bytes, at, to)) return this.#fault(4, bytes, at, to);
  }

  /** Returns the end of the text that begins at `from`, or -1 with `#reason` set. */
  #scanText(bytes: Uint8Array, from: number, to: number, bytesMax: number): number {
    const kinds = this.#kinds;
    let at = from;
    for (;;) {
      while (at < to && kinds[bytes[at]] === PLAIN) at++;
      if (at >= to) break;
      const kind = kinds[bytes[at]];
      if (kind === SEPARATOR) return this.#checkLength(at, at - from, bytesMax);
      if (kind === QUOTABLE) {
        this.needsQuotes = true;
        at++;
      } else if (kind === MULTIBYTE) {
        const next = characterEnd(bytes, at, to);
        if (next < 0) return this.#refuse("is not UTF-8 or holds a control character");
        at = next;
      } else if (bytes[at] === this.#terminator) break;
      else return this.#refuse("holds a control character, a `;` or a `:`");
    }
    return this.#refuse("is the last field: fields are missing after it");
  }

  #checkLength(end: number, length: number, bytesMax: number): number {
    if (length === 0) return this.#refuse("is empty");
    if (length > bytesMax) return this.#refuse(`is longer than ${bytesMax} bytes`);
    return end;
  }

  #scanBirthdate(bytes: Uint8Array, from: number, to: number, today: number): boolean {
    const end = from + BIRTHDATE_BYTES;
    if (end >= to || bytes[end] !== this.#separator) {
      this.#reason = "is not a date YYYY-MM-DD followed by a number";
      return false;
    }
    const day = dayIn(bytes, from);
    if (day < 0) this.#reason = "is not a calendar date YYYY-MM-DD";
    else if (day > today) this.#reason = "is in the future";
    else return true;
    return false;
  }

  #scanNumber(bytes: Uint8Array, from: number, to: number): boolean {
    let number = 0;
    let at = from;
    for (; at < to && bytes[at] !== this.#terminator; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) {
        this.#reason = `is not an integer from 0 to ${NUMBER_MAX}, or there is a field too many`;
        return false;
      }
      number = number * 10 + digit;
      if (number > NUMBER_MAX) {
        this.#reason = `is over ${NUMBER_MAX}`;
        return false;
      }
    }
    if (at === from) {
      this.#reason = "is empty";
      return false;
    }
    this.number = number;
    this.end = at;
    return true;
  }

  #refuse(reason: string): -1 {
    this.#reason = reason;
    return -1;
  }

  #fault(field: number, bytes: Uint8Array, from: number, to: number): BetFault {
    let end = from;
    while (end < to && bytes[end] !== this.#separator && bytes[end] !== this.#terminator) end++;
    // Enough bytes to see whether the value is too long: a character takes at most four.
    const shown = bytes.subarray(from, Math.min(end, from + 4 * FAULT_VALUE_CHARS_MAX));
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown);
    const value = text.length > FAULT_VALUE_CHARS_MAX
      ? `${text.slice(0, FAULT_VALUE_CHARS_MAX)}…`
      : text;
    return { field: BET_FIELDS[field], reason: this.#reason, value };
  }
}

/**
 * Returns the end of the multi-byte character that begins at `at`, or -1 if it is not well-formed
 * UTF-8 (RFC 3629), a control character (U+0080 to U+009F) or a line separator (U+2028, U+2029).
 */
function characterEnd(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at];
  const second = at + 1 < to ? bytes[at + 1] : 0;
  if (lead < 0xe0) {
    if (lead < 0xc2 || !isContinuation(second)) return -1;
    return lead === 0xc2 && second < 0xa0 ? -1 : at + 2;
  }
  const third = at + 2 < to ? bytes[at + 2] : 0;
  if (!isContinuation(second) || !isContinuation(third)) return -1;
  if (lead < 0xf0) {
    if (lead === 0xe0 && second < 0xa0) return -1; // overlong
    if (lead === 0xed && second > 0x9f) return -1; // a surrogate
    if (lead === 0xe2 && second === 0x80 && (third & 0xfe) === 0xa8) return -1; // a line separator
    return at + 3;
  }
  const fourth = at + 3 < to ? bytes[at + 3] : 0;
  if (lead > 0xf4 || !isContinuation(fourth)) return -1;
  if (lead === 0xf0 && second < 0x90) return -1; // overlong
  if (lead === 0xf4 && second > 0x8f) return -1; // after the last code point
  return at + 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Reads the date YYYY-MM-DD at `at` as a {@linkcode dayNumber}; -1 if there is no such day. */
function dayIn(bytes: Uint8Array, at: number): number {
  if (bytes[at + 4] !== DASH || bytes[at + 7] !== DASH) return -1;
  const century = twoDigits(bytes, at);
  const yearOfCentury = twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  if (century < 0 || yearOfCentury < 0) return -1;
  const year = century * 100 + yearOfCentury;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOf(month, year)) return -1;
  return (year * 100 + month) * 100 + day;
}

/** Reads the two digits at `at`; -1 if they are not digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO;
  const ones = bytes[at + 1] - ZERO;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? -1 : tens * 10 + ones;
}

function daysOf(month: number, year: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/**
 * Returns the day of a moment, in UTC, as one number in calendar order: 20261123 for 2026-11-23.
 *
 * @param timeMs Milliseconds since 1970, as `Date.now()` returns them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { dayNumber } from "./bet.ts";
 *
 * assertEquals(dayNumber(Date.UTC(2026, 10, 23)), 20261123);
 * ```
 */
export function dayNumber(timeMs: number): number {
  const date = new Date(timeMs);
  return (date.getUTCFullYear() * 100 + date.getUTCMonth() + 1) * 100 + date.getUTCDate();
}
