/**
 * The check of a birthdate and a number, which end every bet, as a part of kernels.
 *
 * @module
 */

import { DASH, ZERO } from "../ascii.ts";
import { BIRTHDATE_BYTES, NUMBER_DIGITS_MAX } from "../bet.ts";
import type { Locals } from "./kernel.ts";
import {
  fourDigits,
  type I32,
  type I32Local,
  type Label,
  type Statement,
  twoDigits,
  type V128,
} from "./wasm.ts";

/** Where a number begins, counted from the birthdate before it. */
const NUMBER_AT = BIRTHDATE_BYTES + 1;

/** What {@linkcode checkBirthdateAndNumber} works with. */
export interface BirthdateAndNumber {
  /** Where the birthdate begins. */
  at: I32;
  /** What is loaded from there. Birthdate, number and the byte after them fit in one vector. */
  bytes: V128;
  /** The byte between them. */
  separator: number;
  /** Set to the bytes of birthdate, separator and number. */
  length: I32Local;
  /** The latest valid birthdate. */
  today: I32;
  locals: Locals;
  /** The way out if they are invalid, or uncommon: 29 February. */
  stop: Label;
}

/** Checks a birthdate, a separator and a number. */
export function checkBirthdateAndNumber(
  { at, bytes, separator, length, today, locals, stop }: BirthdateAndNumber,
): Statement[] {
  const [digits, year, month, day] = Array.from({ length: 4 }, locals.i32);
  // 31 days in January, March, May, July, August, October, December. February is limited below.
  const lastDay = month.xor(month.shiftRight(3)).and(1).add(30);
  return [
    digits.set(bytes.subtract(ZERO).lessOrEqual(9).bitmask()),
    // YYYY-MM-DD. The lowest bit is the first character.
    stop.branchIf(digits.and(0b11_1111_1111).notEquals(0b11_0110_1111)),
    stop.branchIf(at.load8(4).notEquals(DASH)),
    stop.branchIf(at.load8(7).notEquals(DASH)),
    stop.branchIf(at.load8(BIRTHDATE_BYTES).notEquals(separator)),
    year.set(fourDigits(at.load32().subtract(0x30303030))),
    month.set(twoDigits(at.load16(5).subtract(0x3030))),
    day.set(twoDigits(at.load16(8).subtract(0x3030))),
    stop.branchIf(year.isZero()),
    stop.branchIf(month.subtract(1).greaterThan(11)),
    stop.branchIf(day.subtract(1).lessThan(lastDay).isZero()),
    stop.branchIf(month.equals(2).and(day.greaterThan(28))),
    stop.branchIf(year.multiply(10_000).add(month.multiply(100)).add(day).greaterThan(today)),
    length.set(digits.shiftRight(NUMBER_AT).xor(-1).trailingZeros()),
    stop.branchIf(length.subtract(1).greaterThan(NUMBER_DIGITS_MAX - 1)),
    stop.branchIf(length.greaterThan(1).and(at.load8(NUMBER_AT).equals(ZERO))),
    length.increment(NUMBER_AT),
  ];
}
