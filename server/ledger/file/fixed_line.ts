/**
 * Lines of fixed length that are overwritten in place: named numbers, padded with zeros, and a checksum. A line
 * that was only partly written carries the checksum of another line, and is ignored.
 *
 * @module
 */

import { ZERO } from "../../../shared/ascii.ts";
import { parseDigits, putDigits } from "../../../shared/bytes.ts";

const encoder = new TextEncoder();
const CHECKSUM = "sum";
const CHECKSUM_DIGITS = 10;

/** A line of fixed length: named numbers, padded with zeros, and a checksum. */
export class FixedLine<Name extends string> {
  readonly #names: readonly Name[];
  /** Position after the digits of each number, the checksum last. */
  readonly #ends: number[] = [];
  readonly #starts: number[] = [];
  readonly #blank: Uint8Array<ArrayBuffer>;

  /** @param digits The digits of each number, by name, in their order. */
  constructor(digits: Record<Name, number>) {
    this.#names = Object.keys(digits) as Name[];
    let text = "";
    for (const [name, count] of [...Object.entries(digits), [CHECKSUM, CHECKSUM_DIGITS]]) {
      text += `${text === "" ? "" : " "}${name}=`;
      this.#starts.push(text.length);
      text += "0".repeat(count as number);
      this.#ends.push(text.length);
    }
    this.#blank = encoder.encode(`${text}\n`);
  }

  get bytes(): number {
    return this.#blank.length;
  }

  /** Writes a line into `line`. It runs once per round, and so allocates no strings. */
  format(values: Record<Name, number>, line: Uint8Array): void {
    line.set(this.#blank);
    for (let at = 0; at < this.#names.length; at++) {
      putDigits(line, this.#ends[at], values[this.#names[at]]);
    }
    const last = this.#names.length;
    putDigits(line, this.#ends[last], checksumOf(line.subarray(0, this.#ends[last - 1])));
  }

  /**
   * Parses the line at the beginning of `bytes`; returns nothing if it is missing or damaged. It runs in every
   * round of other servers, while the lock is held.
   */
  parse(bytes: Uint8Array): Record<Name, number> | undefined {
    if (!this.#hasText(bytes)) return undefined;
    const values = {} as Record<Name, number>;
    for (let at = 0; at < this.#names.length; at++) {
      const value = this.#numberAt(at, bytes);
      if (value < 0) return undefined;
      values[this.#names[at]] = value;
    }
    const last = this.#names.length;
    const sum = checksumOf(bytes.subarray(0, this.#ends[last - 1]));
    return this.#numberAt(last, bytes) === sum ? values : undefined;
  }

  #numberAt(at: number, bytes: Uint8Array): number {
    return parseDigits(bytes, this.#starts[at], this.#ends[at], Number.MAX_SAFE_INTEGER);
  }

  /** Whether everything but the digits is as written. No name has the digit 0. */
  #hasText(bytes: Uint8Array): boolean {
    const blank = this.#blank;
    if (bytes.length < blank.length) return false;
    for (let at = 0; at < blank.length; at++) {
      if (blank[at] !== ZERO && bytes[at] !== blank[at]) return false;
    }
    return true;
  }
}

/** A checksum: 32-bit FNV-1a. */
export function checksumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) sum = Math.imul(sum ^ bytes[at], 0x01000193);
  return sum >>> 0;
}
