/**
 * Translates bets from one notation into another: the bets of a packet into rows of bets.csv, and the
 * lines of an agency's file into the bets of a packet. Each bet is checked on the way, against the rules
 * of bet.ts.
 *
 * This is one of the two loops that everything waits for (the other one scans rows, in the ledger), and
 * so it is written for the processor's vector instructions: it looks at sixteen bytes at once. It knows
 * the common bet only: ASCII and characters of two bytes (á, ñ), no comma or quote in a text, no zeros
 * before the number, no 29th of February. At any other bet, good or bad, it stops, and its user copes
 * with that one by {@linkcode BetScanner}, which knows all rules, and the words for what is wrong.
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
import { BIRTHDATE_BYTES, DOCUMENT_BYTES_MAX, NAME_BYTES_MAX, NUMBER_DIGITS_MAX } from "../bet.ts";
import {
  block,
  type Chunk,
  CHUNK_BYTES,
  constant,
  fourDigits,
  type I32,
  type I32Variable,
  type Kernel,
  kernel,
  type Label,
  loop,
  result,
  type Statement,
  twoDigits,
  type Variables,
  when,
} from "./wasm.ts";

/** Shortest bet with what ends it: `a,b,1,1999-01-01,0` and its line end. */
export const BET_LINE_BYTES_MIN = 19;
/** Longest text that may stand before each bet: an agency and its comma. */
const PREFIX_BYTES_MAX = 5;
/** The most that a bet grows, by its prefix, and by quotes about and within its texts. */
const GROWTH_MAX = 3;

/** How bets are written, as they come and as they go. */
interface Notation {
  separator: number;
  terminator: number;
  /** A byte that may stand before the terminator. */
  mayPrecede?: number;
}

const PACKET: Notation = { separator: SEMICOLON, terminator: COLON };
const ROWS: Notation = { separator: COMMA, terminator: LINE_FEED };
const LINES: Notation = { ...ROWS, mayPrecede: CARRIAGE_RETURN };

/** Where things are in a kernel's memory. The input comes behind them, then the ends, then the output. */
const STOPPED_AT = 0;
const STOPPED_TO = 4;
const PREFIX_AT = 8;
const INPUT_AT = 16;

/** Takes where input begins and ends, where output and ends go, where output began, how long the prefix is, and today. */
function translation(from: Notation, into: Notation): (memoryBytes: number) => Kernel {
  return kernel(7, ([at, end, to, endsAt, outputAt, prefixBytes, today], variables) => {
    const [bets, betAt, betTo] = [variables.i32(), variables.i32(), variables.i32()];
    const cursor = { at, to, from, into, today, variables };
    return [
      betAt.set(at),
      betTo.set(to),
      block((stop) => [
        loop((nextBet) => [
          to.putFourBytes(constant(PREFIX_AT).fourBytes()),
          to.putByte(constant(PREFIX_AT).byte(4), 4),
          to.add(prefixBytes),
          ...text({ ...cursor, stop }, NAME_BYTES_MAX),
          ...text({ ...cursor, stop }, NAME_BYTES_MAX),
          ...text({ ...cursor, stop }, DOCUMENT_BYTES_MAX),
          ...birthdateAndNumber({ ...cursor, stop }),
          ...terminator({ ...cursor, stop }),
          endsAt.putFourBytes(to.minus(outputAt)),
          endsAt.add(4),
          to.putByte(into.terminator),
          to.add(1),
          bets.add(1),
          betAt.set(at),
          betTo.set(to),
          nextBet.jumpIf(at.isLess(end)),
        ]),
      ]),
      constant(STOPPED_AT).putFourBytes(betAt),
      constant(STOPPED_TO).putFourBytes(betTo),
      result(bets),
    ];
  });
}

/** What the parts of a translation share: the next byte that comes, and where it goes. */
interface Cursor {
  at: I32Variable;
  to: I32Variable;
  from: Notation;
  into: Notation;
  today: I32;
  variables: Variables;
  /** Leads out when the bet is not a common one. */
  stop: Label;
}

function text({ at, to, from, into, variables, stop }: Cursor, bytesMax: number): Statement[] {
  const [start, special, byte] = [variables.i32(), variables.i32(), variables.i32()];
  const chunk = variables.chunk();
  return [
    start.set(at),
    block((isOver) => [
      loop((goOn) => [
        chunk.set(at.chunk()),
        to.putChunk(chunk),
        special.set(isSpecial(chunk).bitmask()),
        when(special.isZero(), [at.add(CHUNK_BYTES), to.add(CHUNK_BYTES), goOn.jump()]),
        special.set(special.trailingZeros()),
        at.add(special),
        to.add(special),
        byte.set(at.byte()),
        isOver.jumpIf(byte.equals(from.separator)),
        // A character of two bytes (RFC 3629). 0xc2 begins control characters too, and is left out.
        stop.jumpIf(byte.minus(0xc3).isMore(0xdf - 0xc3)),
        stop.jumpIf(at.byte(1).and(0xc0).differs(0x80)),
        to.putByte(at.byte(1), 1),
        at.add(2),
        to.add(2),
        goOn.jump(),
      ]),
    ]),
    stop.jumpIf(at.minus(start).minus(1).isMore(bytesMax - 1)),
    to.putByte(into.separator),
    at.add(1),
    to.add(1),
  ];
}

/** What does not simply go on a text: control characters, separators, quotes, bytes that are not ASCII. */
function isSpecial(chunk: Chunk): Chunk {
  return chunk.isLessSigned(0x20)
    .or(chunk.and(0xfe).equals(COLON)) // and `;`
    .or(chunk.equals(COMMA))
    .or(chunk.equals(QUOTE))
    .or(chunk.equals(0x7f));
}

/** Both fit into one chunk, with the byte that ends them. */
function birthdateAndNumber(cursor: Cursor): Statement[] {
  const { at, to, from, into, today, variables, stop } = cursor;
  const [digits, year, month, day, length] = Array.from({ length: 5 }, variables.i32);
  const chunk = variables.chunk();
  const numberAt = BIRTHDATE_BYTES + 1;
  // 31 days in January, March, May, July, and in August, October, December; February is seen to below.
  const lastDay = month.xor(month.shiftRight(3)).and(1).plus(30);
  return [
    chunk.set(at.chunk()),
    to.putChunk(chunk),
    digits.set(chunk.minus(ZERO).isAtMost(9).bitmask()),
    // YYYY-MM-DD, from the right.
    stop.jumpIf(digits.and(0b11_1111_1111).differs(0b11_0110_1111)),
    stop.jumpIf(at.byte(4).differs(DASH)),
    stop.jumpIf(at.byte(7).differs(DASH)),
    stop.jumpIf(at.byte(BIRTHDATE_BYTES).differs(from.separator)),
    year.set(fourDigits(at.fourBytes().minus(0x30303030))),
    month.set(twoDigits(at.twoBytes(5).minus(0x3030))),
    day.set(twoDigits(at.twoBytes(8).minus(0x3030))),
    stop.jumpIf(year.isZero()),
    stop.jumpIf(month.minus(1).isMore(11)),
    stop.jumpIf(day.minus(1).isLess(lastDay).isZero()),
    stop.jumpIf(month.equals(2).and(day.isMore(28))),
    stop.jumpIf(year.times(10_000).plus(month.times(100)).plus(day).isMore(today)),
    to.putByte(into.separator, BIRTHDATE_BYTES),
    length.set(digits.shiftRight(numberAt).xor(-1).trailingZeros()),
    stop.jumpIf(length.minus(1).isMore(NUMBER_DIGITS_MAX - 1)),
    stop.jumpIf(length.isMore(1).and(at.byte(numberAt).equals(ZERO))),
    at.add(length.plus(numberAt)),
    to.add(length.plus(numberAt)),
  ];
}

function terminator({ at, from: { terminator, mayPrecede }, stop }: Cursor): Statement[] {
  return [
    ...(mayPrecede === undefined ? [] : [when(at.byte().equals(mayPrecede), [at.add(1)])]),
    stop.jumpIf(at.byte().differs(terminator)),
    at.add(1),
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
  /** Most bytes of input at once. */
  inputBytesMax: number;
}

/** Translates bets, and holds what it has translated until the next {@linkcode begin}. */
export class BetTranslator {
  /** Where the input goes: `inputBytesMax` bytes, and one more for a terminator behind them. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** The translated bets, one behind the other, each with its terminator. Only {@linkcode length} count. */
  readonly output: Uint8Array<ArrayBuffer>;
  /** Where each bet ends in `output`: the index of its terminator. */
  readonly ends: Int32Array;
  /** How many bets were translated. */
  count = 0;
  /** Bytes of `output` that count. */
  length = 0;
  readonly #kernel: Kernel;
  readonly #stopped: Int32Array;
  #prefixBytes = 0;

  constructor({ notation, inputBytesMax }: BetTranslatorOptions) {
    const endsAt = alignedTo4(INPUT_AT + inputBytesMax + 1 + CHUNK_BYTES);
    const betsMax = Math.ceil(inputBytesMax / BET_LINE_BYTES_MIN) + 1;
    const outputAt = endsAt + 4 * betsMax;
    const outputBytes = GROWTH_MAX * inputBytesMax + PREFIX_BYTES_MAX + CHUNK_BYTES;
    this.#kernel = translations[notation](outputAt + outputBytes);
    const { memory } = this.#kernel;
    this.#stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
    this.input = memory.subarray(INPUT_AT, INPUT_AT + inputBytesMax + 1);
    this.ends = new Int32Array(memory.buffer, endsAt, betsMax);
    this.output = memory.subarray(outputAt);
  }

  /**
   * Drops what was translated.
   *
   * @param prefix Stands before each bet from now on; {@linkcode PREFIX_BYTES_MAX} bytes of ASCII at most.
   */
  begin(prefix = ""): void {
    this.count = this.length = 0;
    this.#prefixBytes = prefix.length;
    for (let at = 0; at < prefix.length; at++) {
      this.#kernel.memory[PREFIX_AT + at] = prefix.charCodeAt(at);
    }
  }

  /**
   * Translates the bets in `input` from `from` up to `end`, the first one with which it cannot cope
   * excluded.
   *
   * @param end Behind a terminator.
   * @param today The current day as dayNumber() gives it: no birthdate is later.
   * @returns Where that bet begins, or `end`.
   */
  translate(from: number, end: number, today: number): number {
    if (from >= end) return end;
    const { input, output, ends } = this;
    this.count += this.#kernel.run(
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

  /** Adds a bet that was translated by other means: with its prefix, and with its terminator. */
  add(bet: Uint8Array): void {
    this.output.set(bet, this.length);
    this.length += bet.length;
    this.ends[this.count++] = this.length - 1;
  }
}

/**
 * Where one of several bets in a row begins: behind the terminator of the one before.
 *
 * @param ends Where each of them ends.
 */
export function startOfBet(ends: Int32Array, index: number): number {
  return index === 0 ? 0 : ends[index - 1] + 1;
}

function alignedTo4(at: number): number {
  return Math.ceil(at / 4) * 4;
}
