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

import { CARRIAGE_RETURN, COLON, COMMA, LINE_FEED, QUOTE, SEMICOLON } from "../ascii.ts";
import { BIRTHDATE_BYTES, DOCUMENT_BYTES_MAX, NAME_BYTES_MAX } from "../bet.ts";
import { checkBirthdateAndNumber } from "./birthdate_and_number.ts";
import { hasVectorInstructions, type Kernel, kernel, type Locals } from "./kernel.ts";
import {
  block,
  constant,
  type I32,
  type I32Local,
  type Label,
  loop,
  returnValue,
  type Statement,
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
  /** A byte that may precede the terminator. */
  mayPrecede?: number;
}

const PACKET: Notation = { separator: SEMICOLON, terminator: COLON };
const ROWS: Notation = { separator: COMMA, terminator: LINE_FEED };
const LINES: Notation = { ...ROWS, mayPrecede: CARRIAGE_RETURN };

/** Layout of a kernel's memory. The ends follow the input, and the output follows them. */
const STOPPED_AT = 0;
const STOPPED_TO = 4;
const PREFIX_AT = 8;
const INPUT_AT = 16;

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

function birthdateAndNumber({ at, to, from, into, today, locals, stop }: Cursor): Statement[] {
  const [bytes, length] = [locals.v128(), locals.i32()];
  return [
    bytes.set(at.loadVector()),
    to.storeVector(bytes),
    ...checkBirthdateAndNumber({
      ...{ at, bytes, length, separator: from.separator, today, locals, stop },
    }),
    to.store8(into.separator, BIRTHDATE_BYTES),
    at.increment(length),
    to.increment(length),
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
  "lines to packet": translation(LINES, PACKET),
};

/** Options of {@linkcode BetTranslator}. */
export interface BetTranslatorOptions {
  /**
   * `packet to packet`: the bets are checked and stay as they are.
   * `packet to rows`: `;` between fields and `:` after each bet become `,` and `\n`.
   * `lines to packet`: `,` and `\n` or `\r\n` become `;` and `:`.
   */
  notation: keyof typeof translations;
  /** Longest input, in bytes. */
  inputBytesMax: number;
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

  constructor({ notation, inputBytesMax }: BetTranslatorOptions) {
    const endsAt = alignedTo4(INPUT_AT + inputBytesMax + 1 + VECTOR_BYTES);
    const betsMax = Math.ceil(inputBytesMax / BET_LINE_BYTES_MIN) + 1;
    const outputAt = endsAt + 4 * betsMax;
    const outputBytes = GROWTH_MAX * inputBytesMax + PREFIX_BYTES_MAX + VECTOR_BYTES;
    const memoryBytes = outputAt + outputBytes;
    if (hasVectorInstructions()) this.#kernel = translations[notation](memoryBytes);
    const memory = this.#memory = this.#kernel?.memory ?? new Uint8Array(memoryBytes);
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
