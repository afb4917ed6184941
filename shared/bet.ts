/**
 * A bet and its rules. The rules are kept once, on bytes, so that the agency that sends a bet and the
 * server that stores it cannot disagree, and so that neither makes a string per field.
 *
 * @module
 */

import { COLON, COMMA, DASH, QUOTE, SEMICOLON, ZERO } from "./ascii.ts";

/** One bet of one agency, as people read it. The programs themselves work on its bytes. */
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
/** Length of a birthdate, `YYYY-MM-DD`. */
export const BIRTHDATE_BYTES = 10;
/** Highest number one can bet on. */
export const NUMBER_MAX = 9999;
/** Digits of {@linkcode NUMBER_MAX}. */
export const NUMBER_DIGITS_MAX = 4;
/** Most agencies a lottery can have; AGENCIES_AMOUNT is at most this. */
export const AGENCIES_MAX = 9999;
/** Digits of {@linkcode AGENCIES_MAX}. */
export const AGENCY_DIGITS_MAX = 4;

/** The fields of a bet that a packet and a CSV row carry, in their order. */
export const BET_FIELDS = ["first name", "last name", "document", "birthdate", "number"] as const;

/** What is wrong with a bet: the field, the rule it breaks, and its value. */
export interface BetFault {
  field: (typeof BET_FIELDS)[number];
  reason: string;
  /** As sent, shortened to {@linkcode FAULT_VALUE_CHARS_MAX} characters. */
  value: string;
}

/** Longest value that a fault quotes: a hostile field must not fill the log. */
export const FAULT_VALUE_CHARS_MAX = 80;

/** Writes a fault as one phrase, the value quoted and escaped: `number "10000" is over 9999`. */
export function describeFault(fault: BetFault): string {
  return `${fault.field} ${JSON.stringify(fault.value)} ${fault.reason}`;
}

/** Whether a bet on `number` wins when `winningNumber` is drawn. */
export function hasWon(number: number, winningNumber: number): boolean {
  return number === winningNumber;
}

/** The kinds of byte that a field can hold. */
const PLAIN = 0;
/** Ends a field. */
const SEPARATOR = 1;
/** Allowed, but the CSV file must quote the field. */
const QUOTABLE = 2;
/** The first of several bytes. */
const MULTIBYTE = 3;
/** A control character, or a character that the protocol cannot carry. */
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
 * Finds the fields of one bet in a buffer and checks every rule, in one pass and without making an
 * object, unless the bet is refused. The results of the last scan are the scanner's own fields.
 */
export class BetScanner {
  /** Where each of the four text fields ends: the index of the separator behind it. */
  readonly ends = new Int32Array(4);
  /** The number that was bet on. */
  number = 0;
  /** Where the bet ends: the index of the terminator, or the end that was given. */
  end = 0;
  /** Whether a field holds a comma or a quote, which a CSV file must quote. */
  needsQuotes = false;

  readonly #kinds: Uint8Array;
  readonly #separator: number;
  readonly #terminator: number;
  #reason = "";

  /**
   * @param separator The byte between fields: `;` in a packet, `,` in a CSV file.
   * @param terminator The byte that may follow the bet: `:` in a packet; -1 for none.
   */
  constructor(separator: ";" | ",", terminator: ":" | "" = "") {
    this.#separator = separator.charCodeAt(0);
    this.#terminator = terminator === "" ? -1 : terminator.charCodeAt(0);
    this.#kinds = kindsOf(this.#separator);
  }

  /**
   * Scans the bet that begins at `from` and ends at the terminator or at `to`.
   *
   * @param today The current day as {@linkcode dayNumber} gives it: no birthdate is later.
   * @returns What is wrong, or nothing when the bet keeps every rule.
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

  /** The end of the text that begins at `from`, or -1 with `#reason` set. */
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
    return this.#refuse("is the last field: fields are missing behind it");
  }

  #checkLength(end: number, length: number, bytesMax: number): number {
    if (length === 0) return this.#refuse("is empty");
    if (length > bytesMax) return this.#refuse(`is longer than ${bytesMax} bytes`);
    return end;
  }

  #scanBirthdate(bytes: Uint8Array, from: number, to: number, today: number): boolean {
    const end = from + BIRTHDATE_BYTES;
    if (end >= to || bytes[end] !== this.#separator) {
      this.#reason = "is not a date YYYY-MM-DD with a number behind it";
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
        this.#reason = `is not an integer from 0 to ${NUMBER_MAX}, or a field too many is there`;
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
    // Four bytes a character at the most, and one character more to see that it is too long.
    const shown = bytes.subarray(from, Math.min(end, from + 4 * FAULT_VALUE_CHARS_MAX));
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(shown);
    const value = text.length > FAULT_VALUE_CHARS_MAX
      ? `${text.slice(0, FAULT_VALUE_CHARS_MAX)}…`
      : text;
    return { field: BET_FIELDS[field], reason: this.#reason, value };
  }
}

/**
 * The end of the character of several bytes that begins at `at`, or -1 if it is not well-formed UTF-8
 * (RFC 3629), or a control character or a line end (U+0080 to U+009F, U+2028, U+2029).
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
    if (lead === 0xe0 && second < 0xa0) return -1; // longer than it need be
    if (lead === 0xed && second > 0x9f) return -1; // a surrogate
    if (lead === 0xe2 && second === 0x80 && (third & 0xfe) === 0xa8) return -1; // a line end
    return at + 3;
  }
  const fourth = at + 3 < to ? bytes[at + 3] : 0;
  if (lead > 0xf4 || !isContinuation(fourth)) return -1;
  if (lead === 0xf0 && second < 0x90) return -1; // longer than it need be
  if (lead === 0xf4 && second > 0x8f) return -1; // behind the last code point
  return at + 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** The day written as YYYY-MM-DD at `at`, as a {@linkcode dayNumber}; -1 if the calendar has no such day. */
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

/** The two digits at `at` as a number; below zero if they are no digits. */
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
 * The day of a moment, in UTC, as one number that sorts as days do: 20261123 for 2026-11-23.
 *
 * @param timeMs Milliseconds since 1970, as `Date.now()` gives.
 */
export function dayNumber(timeMs: number): number {
  const date = new Date(timeMs);
  return (date.getUTCFullYear() * 100 + date.getUTCMonth() + 1) * 100 + date.getUTCDate();
}
