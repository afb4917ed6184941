/**
 * Checks rows of bets.csv against the rules of bet.ts, without changing them.
 *
 * This is one of the hot loops, so it uses vector instructions, sixteen bytes at a time; README.md has the
 * background. It looks at 64 bytes at once, in which a common row ends, and finds its end and all its commas
 * there. It accepts only the common row: at most 64 bytes before its line feed, ASCII and two-byte characters
 * (á, ñ), no comma or quote in a text, no leading zeros in the number, not 29 February. Every other row,
 * valid or not, is left to the caller.
 *
 * @module
 */

import { COLON, COMMA, LINE_FEED, QUOTE, ZERO } from "../ascii.ts";
import { AGENCY_DIGITS_MAX, DOCUMENT_BYTES_MAX, NAME_BYTES_MAX } from "../bet.ts";
import { checkBirthdateAndNumber } from "./birthdate_and_number.ts";
import { hasVectorInstructions, type Kernel, kernel } from "./kernel.ts";
import {
  block,
  constant,
  fourDigits,
  type I32,
  I64,
  loop,
  returnValue,
  type Statement,
  V128,
  VECTOR_BYTES,
  when,
} from "./wasm.ts";

/** Bytes that are looked at together: a bit for each fits into one integer. */
const BLOCK_BYTES = 4 * VECTOR_BYTES;
/** Where in each block its vectors begin. */
const OFFSETS = [0, 1, 2, 3].map((index) => index * VECTOR_BYTES);

/** The first bytes of two-byte characters (RFC 3629). 0xc2 also begins control characters. */
const LEAD_MIN = 0xc3;
const LEAD_MAX = 0xdf;
/** The further bytes of characters are below this one as signed bytes. */
const AFTER_CONTINUATIONS = 0xc0;

/**
 * The kernel. Its parameters are the start and end of the rows, the highest agency and the latest birthdate. It
 * returns where the first row begins that is not a common one, or the end.
 */
const checkRows = kernel(4, ([at, end, agencies, today], locals) => {
  const vectors = OFFSETS.map(() => locals.v128());
  /** Returns a bit for each byte of the block for which `test` sets the highest bit. */
  const bits = (test: (bytes: V128) => V128) =>
    OFFSETS.map((offset, index) => I64.extend(test(vectors[index]).bitmask(), offset))
      .reduce((low, high) => low.or(high));
  // Constants in locals: a vector constant takes several instructions wherever it stands.
  const constants: Statement[] = [];
  const splat = (byte: number) => {
    const local = locals.v128();
    constants.push(local.set(V128.splat(byte)));
    return local;
  };
  const [controlMax, colonMask, colon, quote, del] = [0x1f, 0xfe, COLON, QUOTE, 0x7f].map(splat);
  const [comma, leadMin, afterContinuations] = [COMMA, LEAD_MIN, AFTER_CONTINUATIONS].map(splat);
  const [leads, zero, nine] = [LEAD_MAX - LEAD_MIN, ZERO, 9].map(splat);
  /** Bits of the block: what no common row contains and its end, the row, its commas, bytes from 0x80 on. */
  const [special, row, commas, high] = Array.from({ length: 4 }, locals.i64);
  /** Bits of those bytes that begin a character. */
  const lead = locals.i64();
  const lineEnd = locals.i32();
  /** Where the separators after the agency, the names and the document are. */
  const separators = Array.from({ length: 4 }, locals.i32);
  const [afterAgency, afterFirstName, afterLastName, afterDocument] = separators;
  const [agencyDigits, agency] = [locals.i32(), locals.i32()];
  const [birthdateAt, length, bytes] = [locals.i32(), locals.i32(), locals.v128()];
  return [
    ...constants,
    block((stop) => [
      loop((nextRow) => [
        ...vectors.map((vector, index) => vector.set(at.loadVector(OFFSETS[index]))),
        special.set(bits((bytes) =>
          bytes.lessOrEqual(controlMax)
            .or(bytes.and(colonMask).equals(colon)) // and `;`
            .or(bytes.equals(quote))
            .or(bytes.equals(del))
        )),
        lineEnd.set(at.add(special.trailingZeros())),
        stop.branchIf(lineEnd.load8().notEquals(LINE_FEED)),
        row.set(special.belowLowestBit()),
        high.set(bits((bytes) => bytes).and(row)),
        when(high.isZero().isZero(), [
          // Lead bytes, each followed by its only continuation, and nothing else.
          lead.set(bits((bytes) => bytes.subtract(leadMin).lessOrEqual(leads)).and(row)),
          stop.branchIf(
            bits((bytes) => bytes.lessThanSigned(afterContinuations)).and(row)
              .equals(lead.doubled()).isZero(),
          ),
          stop.branchIf(high.equals(lead.or(lead.doubled())).isZero()),
        ]),
        commas.set(bits((bytes) => bytes.equals(comma)).and(row)),
        ...separators.flatMap((separator) => [
          separator.set(at.add(commas.trailingZeros())),
          commas.clearLowestBit(),
        ]),
        stop.branchIf(
          isNoText(afterAgency, afterFirstName, NAME_BYTES_MAX)
            .or(isNoText(afterFirstName, afterLastName, NAME_BYTES_MAX))
            .or(isNoText(afterLastName, afterDocument, DOCUMENT_BYTES_MAX)),
        ),
        // One to four digits without a leading zero. The shift adds leading zeros.
        agencyDigits.set(afterAgency.subtract(at)),
        stop.branchIf(agencyDigits.subtract(1).greaterThan(AGENCY_DIGITS_MAX - 1)),
        stop.branchIf(
          vectors[0].subtract(zero).lessOrEqual(nine).bitmask().xor(-1).trailingZeros()
            .notEquals(agencyDigits),
        ),
        stop.branchIf(at.load8().equals(ZERO)),
        agency.set(at.load32().subtract(0x30303030)),
        agency.set(
          agency.shiftLeft(constant(AGENCY_DIGITS_MAX).subtract(agencyDigits).multiply(8)),
        ),
        stop.branchIf(fourDigits(agency).greaterThan(agencies)),
        birthdateAt.set(afterDocument.add(1)),
        bytes.set(birthdateAt.loadVector()),
        ...checkBirthdateAndNumber({
          ...{ at: birthdateAt, bytes, separator: COMMA, length, today, locals, stop },
        }),
        stop.branchIf(birthdateAt.add(length).notEquals(lineEnd)),
        at.set(lineEnd.add(1)),
        nextRow.branchIf(at.lessThan(end)),
      ]),
    ]),
    returnValue(at),
  ];
});

/** Whether the field between two separators is empty or too long, or the second separator is missing. */
function isNoText(before: I32, after: I32, bytesMax: number): I32 {
  return after.subtract(before).subtract(2).greaterThan(bytesMax - 1);
}

/** Options of {@linkcode RowCheck}. */
export interface RowCheckOptions {
  /** Longest input, in bytes. */
  inputBytesMax: number;
  /** The highest agency. */
  agencies: number;
  /** The latest valid birthdate, as dayNumber() returns it. */
  today: number;
}

/** Checks rows. */
export class RowCheck {
  /** Where the rows go. */
  readonly input: Uint8Array<ArrayBuffer>;
  readonly #rules: Omit<RowCheckOptions, "inputBytesMax">;
  /** Nothing where there are no vector instructions. */
  readonly #kernel: Kernel | undefined;

  constructor({ inputBytesMax, ...rules }: RowCheckOptions) {
    this.#rules = rules;
    // A check may read this far beyond the last row.
    const memoryBytes = inputBytesMax + 2 * BLOCK_BYTES;
    if (hasVectorInstructions()) this.#kernel = checkRows(memoryBytes);
    const memory = this.#kernel?.memory ?? new Uint8Array(memoryBytes);
    this.input = memory.subarray(0, inputBytesMax);
  }

  /**
   * Checks the rows in `input` between `from` and `end`, up to the first that is not a common one. Without
   * vector instructions, none is.
   *
   * @param end Just after a line feed.
   * @returns Where that row begins, or `end`.
   */
  check(from: number, end: number): number {
    if (from >= end) return end;
    const { agencies, today } = this.#rules;
    return this.#kernel?.run(from, end, agencies, today) ?? from;
  }
}
