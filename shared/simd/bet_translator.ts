/**
 * Translates bets from one notation to another: a packet's bets to rows of bets.csv, and the lines
 * of an agency's file to a packet's bets. It checks each bet against the rules of bet.ts in the
 * same pass. A packet's bets can also be checked alone.
 *
 * This is one of the hot loops, so it uses vector
 * instructions, sixteen bytes at a time; README.md has the background. It accepts only the common
 * bet: ASCII and two-byte characters (á, ñ), no comma or quote in a text, no leading zeros in the
 * number, no birthdate on 29 February. It stops at any other bet, valid or not, and the caller
 * falls back to {@linkcode BetScanner}, which knows every rule and the reason for a refusal.
 *
 * @module
 */

import {
  CARRIAGE_RETURN,
  COLON,
  COMMA,
  DASH,
  LINE_FEED,
  QUOTE,
  SEMICOLON,
  ZERO,
} from "../ascii.ts";
import {
  AGENCIES_MAX,
  AGENCY_DIGITS_MAX,
  BIRTHDATE_BYTES,
  DOCUMENT_BYTES_MAX,
  NAME_BYTES_MAX,
  NUMBER_DIGITS_MAX,
} from "../bet.ts";
import { hasVectorInstructions, type Kernel, kernel, type Locals } from "./kernel.ts";
import {
  block,
  constant,
  fourDigits,
  type I32,
  type I32Local,
  type Label,
  loop,
  returnValue,
  type Statement,
  twoDigits,
  type V128,
  VECTOR_BYTES,
  when,
} from "./wasm.ts";

/** Shortest bet with its terminator: `a,b,1,1999-01-01,0` and a line feed. */
const BET_LINE_BYTES_MIN = 19;
/** Longest prefix of a bet: an agency and a comma. */
const PREFIX_BYTES_MAX = 5;
/** Most by which a bet grows, through its prefix and the quotes around and within its texts. */
const GROWTH_MAX = 3;

/** How bets are written, in the input or in the output. */
interface Notation {
  separator: number;
  terminator: number;
  /** Whether an agency and a separator precede each bet. They are checked, and not translated. */
  hasAgency?: boolean;
  /** A byte that may precede the terminator. */
  mayPrecede?: number;
}

const PACKET: Notation = { separator: SEMICOLON, terminator: COLON };
const ROWS: Notation = { separator: COMMA, terminator: LINE_FEED };
const STORED_ROWS: Notation = { ...ROWS, hasAgency: true };
const LINES: Notation = { ...ROWS, mayPrecede: CARRIAGE_RETURN };

/** Layout of a kernel's memory. The ends follow the input, and the output follows them. */
const STOPPED_AT = 0;
const STOPPED_TO = 4;
const PREFIX_AT = 8;
const AGENCIES_AT = 16;
const INPUT_AT = 20;

/**
 * Defines a kernel. Its parameters are the start and end of the input, where to write output and
 * ends, where the output began, the length of the prefix, and the current day. It returns how many
 * bets it has translated, and leaves in memory where it stopped in the input and in the output.
 */
function translation(from: Notation, into: Notation): (memoryBytes: number) => Kernel {
  return kernel(7, ([at, end, to, endsAt, outputAt, prefixBytes, today], locals) => {
    const [bets, betAt, betTo] = [locals.i32(), locals.i32(), locals.i32()];
    const cursor = { at, to, from, into, today, locals };
    return [
      betAt.set(at),
      betTo.set(to),
      block((stop) => [
        loop((nextBet) => [
          to.store32(constant(PREFIX_AT).load32()),
          to.store8(constant(PREFIX_AT).load8(4), 4),
          to.increment(prefixBytes),
          ...agency({ ...cursor, stop }),
          ...text({ ...cursor, stop }, NAME_BYTES_MAX),
          ...text({ ...cursor, stop }, NAME_BYTES_MAX),
          ...text({ ...cursor, stop }, DOCUMENT_BYTES_MAX),
          ...birthdateAndNumber({ ...cursor, stop }),
          ...terminator({ ...cursor, stop }),
          endsAt.store32(to.subtract(outputAt)),
          endsAt.increment(4),
          to.store8(into.terminator),
          to.increment(1),
          bets.increment(1),
          betAt.set(at),
          betTo.set(to),
          nextBet.branchIf(at.lessThan(end)),
        ]),
      ]),
      constant(STOPPED_AT).store32(betAt),
      constant(STOPPED_TO).store32(betTo),
      returnValue(bets),
    ];
  });
}

/** What the parts of a translation share. */
interface Cursor {
  /** The next byte of the input. */
  at: I32Local;
  /** Where the next byte of the output goes. */
  to: I32Local;
  from: Notation;
  into: Notation;
  today: I32;
  locals: Locals;
  /** The way out when the bet is not a common one. */
  stop: Label;
}

/** One to four digits without a leading zero, up to the number of agencies, and a separator. */
function agency({ at, from, locals, stop }: Cursor): Statement[] {
  if (!from.hasAgency) return [];
  const [digits, number] = [locals.i32(), locals.i32()];
  return [
    digits.set(at.loadVector().subtract(ZERO).lessOrEqual(9).bitmask().xor(-1).trailingZeros()),
    stop.branchIf(digits.subtract(1).greaterThan(AGENCY_DIGITS_MAX - 1)),
    stop.branchIf(at.load8().equals(ZERO)),
    stop.branchIf(at.add(digits).load8().notEquals(from.separator)),
    number.set(at.load32().subtract(0x30303030)),
    number.set(fourDigits(number.shiftLeft(constant(4).subtract(digits).multiply(8)))),
    stop.branchIf(number.greaterThan(constant(AGENCIES_AT).load32())),
    at.increment(digits.add(1)),
  ];
}

function text({ at, to, from, into, locals, stop }: Cursor, bytesMax: number): Statement[] {
  const [start, special, byte] = [locals.i32(), locals.i32(), locals.i32()];
  const bytes = locals.v128();
  return [
    start.set(at),
    block((fieldEnd) => [
      loop((next) => [
        bytes.set(at.loadVector()),
        to.storeVector(bytes),
        special.set(isSpecial(bytes).bitmask()),
        when(special.isZero(), [
          at.increment(VECTOR_BYTES),
          to.increment(VECTOR_BYTES),
          next.branch(),
        ]),
        special.set(special.trailingZeros()),
        at.increment(special),
        to.increment(special),
        byte.set(at.load8()),
        fieldEnd.branchIf(byte.equals(from.separator)),
        // A two-byte character (RFC 3629). 0xc2 also begins control characters, so it stops.
        stop.branchIf(byte.subtract(0xc3).greaterThan(0xdf - 0xc3)),
        stop.branchIf(at.load8(1).and(0xc0).notEquals(0x80)),
        to.store8(at.load8(1), 1),
        at.increment(2),
        to.increment(2),
        next.branch(),
      ]),
    ]),
    stop.branchIf(at.subtract(start).subtract(1).greaterThan(bytesMax - 1)),
    to.store8(into.separator),
    at.increment(1),
    to.increment(1),
  ];
}

/** Finds bytes that need a closer look: control characters, separators, quotes, non-ASCII. */
function isSpecial(bytes: V128): V128 {
  return bytes.lessThanSigned(0x20)
    .or(bytes.and(0xfe).equals(COLON)) // and `;`
    .or(bytes.equals(COMMA))
    .or(bytes.equals(QUOTE))
    .or(bytes.equals(0x7f));
}

/** Birthdate, number and the byte after them fit in one vector. */
function birthdateAndNumber(cursor: Cursor): Statement[] {
  const { at, to, from, into, today, locals, stop } = cursor;
  const [digits, year, month, day, length] = Array.from({ length: 5 }, locals.i32);
  const bytes = locals.v128();
  const numberAt = BIRTHDATE_BYTES + 1;
  // 31 days in January, March, May, July, August, October, December. February is limited below.
  const lastDay = month.xor(month.shiftRight(3)).and(1).add(30);
  return [
    bytes.set(at.loadVector()),
    to.storeVector(bytes),
    digits.set(bytes.subtract(ZERO).lessOrEqual(9).bitmask()),
    // YYYY-MM-DD. The lowest bit is the first character.
    stop.branchIf(digits.and(0b11_1111_1111).notEquals(0b11_0110_1111)),
    stop.branchIf(at.load8(4).notEquals(DASH)),
    stop.branchIf(at.load8(7).notEquals(DASH)),
    stop.branchIf(at.load8(BIRTHDATE_BYTES).notEquals(from.separator)),
    year.set(fourDigits(at.load32().subtract(0x30303030))),
    month.set(twoDigits(at.load16(5).subtract(0x3030))),
    day.set(twoDigits(at.load16(8).subtract(0x3030))),
    stop.branchIf(year.isZero()),
    stop.branchIf(month.subtract(1).greaterThan(11)),
    stop.branchIf(day.subtract(1).lessThan(lastDay).isZero()),
    stop.branchIf(month.equals(2).and(day.greaterThan(28))),
    stop.branchIf(year.multiply(10_000).add(month.multiply(100)).add(day).greaterThan(today)),
    to.store8(into.separator, BIRTHDATE_BYTES),
    length.set(digits.shiftRight(numberAt).xor(-1).trailingZeros()),
    stop.branchIf(length.subtract(1).greaterThan(NUMBER_DIGITS_MAX - 1)),
    stop.branchIf(length.greaterThan(1).and(at.load8(numberAt).equals(ZERO))),
    at.increment(length.add(numberAt)),
    to.increment(length.add(numberAt)),
  ];
}

function terminator({ at, from: { terminator, mayPrecede }, stop }: Cursor): Statement[] {
  return [
    ...(mayPrecede === undefined ? [] : [when(at.load8().equals(mayPrecede), [at.increment(1)])]),
    stop.branchIf(at.load8().notEquals(terminator)),
    at.increment(1),
  ];
}

const translations = {
  "packet to packet": translation(PACKET, PACKET),
  "packet to rows": translation(PACKET, ROWS),
  "rows to packet": translation(STORED_ROWS, PACKET),
  "lines to packet": translation(LINES, PACKET),
};

/** Options of {@linkcode BetTranslator}. */
export interface BetTranslatorOptions {
  /**
   * `packet to packet`: the bets are checked and stay as they are.
   * `packet to rows`: `;` between fields and `:` after each bet become `,` and `\n`.
   * `rows to packet`: rows of bets.csv lose their agency; `,` and `\n` become `;` and `:`.
   * `lines to packet`: `,` and `\n` or `\r\n` become `;` and `:`.
   */
  notation: keyof typeof translations;
  /** Longest input, in bytes. */
  inputBytesMax: number;
  /** The highest agency in `rows to packet`. @default {AGENCIES_MAX} */
  agencies?: number;
}

/** Translates bets and keeps the result until the next {@linkcode begin}. */
export class BetTranslator {
  /** Where the input goes: `inputBytesMax` bytes, and one more for a terminator after them. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** The translated bets, each with its terminator, in the first {@linkcode length} bytes. */
  readonly output: Uint8Array<ArrayBuffer>;
  /** Where each bet ends in `output`: the index of its terminator. Only {@linkcode count} count. */
  readonly ends: Int32Array;
  /** Number of bets translated. */
  count = 0;
  /** Number of bytes translated. */
  length = 0;
  /** Nothing where there are no vector instructions. */
  readonly #kernel: Kernel | undefined;
  readonly #memory: Uint8Array<ArrayBuffer>;
  readonly #stopped: Int32Array;
  #prefixBytes = 0;

  constructor({ notation, inputBytesMax, agencies = AGENCIES_MAX }: BetTranslatorOptions) {
    const endsAt = alignedTo4(INPUT_AT + inputBytesMax + 1 + VECTOR_BYTES);
    const betsMax = Math.ceil(inputBytesMax / BET_LINE_BYTES_MIN) + 1;
    const outputAt = endsAt + 4 * betsMax;
    const outputBytes = GROWTH_MAX * inputBytesMax + PREFIX_BYTES_MAX + VECTOR_BYTES;
    const memoryBytes = outputAt + outputBytes;
    if (hasVectorInstructions()) this.#kernel = translations[notation](memoryBytes);
    const memory = this.#memory = this.#kernel?.memory ?? new Uint8Array(memoryBytes);
    new DataView(memory.buffer).setInt32(AGENCIES_AT, agencies, true);
    this.#stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
    this.input = memory.subarray(INPUT_AT, INPUT_AT + inputBytesMax + 1);
    this.ends = new Int32Array(memory.buffer, endsAt, betsMax);
    this.output = memory.subarray(outputAt);
  }

  /**
   * Drops the previous result.
   *
   * @param prefix Written before each bet from now on. At most {@linkcode PREFIX_BYTES_MAX} bytes,
   * all ASCII.
   */
  begin(prefix = ""): void {
    this.count = this.length = 0;
    this.#prefixBytes = prefix.length;
    for (let at = 0; at < prefix.length; at++) {
      this.#memory[PREFIX_AT + at] = prefix.charCodeAt(at);
    }
  }

  /**
   * Translates the bets in `input` between `from` and `end`, up to the first that is not a common
   * one. Without vector instructions, none is.
   *
   * @param end Just after a terminator.
   * @param today The current day as dayNumber() returns it. No birthdate may be later.
   * @returns Where that bet begins, or `end`.
   */
  translate(from: number, end: number, today: number): number {
    if (from >= end) return end;
    const kernel = this.#kernel;
    if (kernel === undefined) return from;
    const { input, output, ends } = this;
    this.count += kernel.run(
      input.byteOffset + from,
      input.byteOffset + end,
      output.byteOffset + this.length,
      ends.byteOffset + 4 * this.count,
      output.byteOffset,
      this.#prefixBytes,
      today,
    );
    this.length = this.#stopped[1] - output.byteOffset;
    return this.#stopped[0] - input.byteOffset;
  }

  /** Appends a bet that the caller has translated, with its prefix and its terminator. */
  add(bet: Uint8Array): void {
    this.output.set(bet, this.length);
    this.length += bet.length;
    this.ends[this.count++] = this.length - 1;
  }
}

/**
 * Returns where bet `index` begins: after the terminator of the bet before it.
 *
 * @param ends Where each bet ends.
 */
export function startOfBet(ends: Int32Array, index: number): number {
  return index === 0 ? 0 : ends[index - 1] + 1;
}

function alignedTo4(at: number): number {
  return Math.ceil(at / 4) * 4;
}
