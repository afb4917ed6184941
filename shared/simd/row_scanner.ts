/**
 * Counts the rows of bets.csv for each agency, and stops at each that ends in the winning number.
 *
 * This is one of the two loops that everything waits for (the other one translates bets), and so it is
 * written for the processor's vector instructions: it looks at sixteen bytes at once.
 *
 * @module
 */

import { COMMA, LINE_FEED, ZERO } from "../ascii.ts";
import { AGENCIES_MAX, AGENCY_DIGITS_MAX } from "../bet.ts";
import {
  block,
  CHUNK_BYTES,
  constant,
  fourDigits,
  I64,
  type Kernel,
  kernel,
  loop,
  result,
  when,
} from "./wasm.ts";

/** Control characters are those up to this one. They stand in no row. */
const CONTROL_MAX = 0x1f;
/** What is looked through for line ends at once. */
const BLOCK_BYTES = 4 * CHUNK_BYTES;

/** The last bytes of a row are compared with so many of the winning number, and the comma before it. */
const TAIL_BYTES = 4;

/** Where things are in the kernel's memory. The input comes behind them. */
const STOPPED_AT = 0;
const WINNER_END = 4;
const COUNTS_AT = 8;
const INPUT_AT = COUNTS_AT + 8 * (AGENCIES_MAX + 1);

/**
 * Takes where rows begin and end, and the tail of a row that wins, with a mask for the bytes of it that
 * count; gives how many rows were counted.
 *
 * It goes from block to block, not from row to row: so the processor need not know where one row ends
 * before it can look for the end of the next. And it expects a row to be of the same agency as the one
 * before, as in a batch they are.
 */
const scanRows = kernel(4, ([at, end, tail, tailMask], variables) => {
  const [rows, rowAt, lineEnd] = [variables.i32(), variables.i32(), variables.i32()];
  /** A bit for each control character in the block: line ends, if all is well. */
  const controls = variables.i64();
  const controlsIn = (offset: number) =>
    I64.of(at.chunk(offset).isAtMost(CONTROL_MAX).bitmask(), offset);
  /** The agency of the row before with its comma, how long that is, and its rows not yet in the counts. */
  const start = variables.i64();
  const [startBits, countAt, uncounted] = [variables.i32(), variables.i32(), variables.i32()];
  const [digits, agency] = [variables.i32(), variables.i32()];
  const addUncounted = countAt.putFloat(countAt.float(COUNTS_AT).plus(uncounted), COUNTS_AT);
  return [
    rowAt.set(at),
    // Nothing has 1 in none of its bits: the first row is of another agency.
    start.set(I64.of(constant(1))),
    constant(WINNER_END).putFourBytes(0),
    block((stop) => [
      loop((nextBlock) => [
        controls.set(controlsIn(0).or(controlsIn(16)).or(controlsIn(32)).or(controlsIn(48))),
        block((blockEnd) => [
          loop((nextRow) => [
            blockEnd.jumpIf(controls.isZero()),
            lineEnd.set(at.plus(controls.trailingZeros())),
            controls.dropLowest(),
            stop.jumpIf(lineEnd.isLess(end).isZero()),
            stop.jumpIf(lineEnd.byte().differs(LINE_FEED)),
            stop.jumpIf(lineEnd.minus(1).byte().minus(ZERO).isMore(9)),
            when(rowAt.eightBytes().lowest(startBits).equals(start).isZero(), [
              // Another agency: up to four digits, moved to where the last of four would be, and a comma.
              digits.set(rowAt.chunk().minus(ZERO).isAtMost(9).bitmask().xor(-1).trailingZeros()),
              stop.jumpIf(digits.minus(1).isMore(AGENCY_DIGITS_MAX - 1)),
              stop.jumpIf(rowAt.plus(digits).byte().differs(COMMA)),
              agency.set(rowAt.fourBytes().minus(0x30303030)),
              agency.set(agency.shiftLeft(constant(4).minus(digits).times(8))),
              agency.set(fourDigits(agency)),
              stop.jumpIf(agency.isZero()),
              addUncounted,
              uncounted.set(0),
              countAt.set(agency.times(8)),
              startBits.set(digits.plus(1).times(8)),
              start.set(rowAt.eightBytes().lowest(startBits)),
            ]),
            when(lineEnd.minus(TAIL_BYTES).fourBytes().and(tailMask).equals(tail), [
              constant(WINNER_END).putFourBytes(lineEnd),
              stop.jump(),
            ]),
            uncounted.add(1),
            rows.add(1),
            rowAt.set(lineEnd.plus(1)),
            nextRow.jump(),
          ]),
        ]),
        at.add(BLOCK_BYTES),
        nextBlock.jumpIf(at.isLess(end)),
      ]),
    ]),
    addUncounted,
    constant(STOPPED_AT).putFourBytes(rowAt),
    result(rows),
  ];
});

/** What one scan has found. */
export interface Scanned {
  /** Rows that were counted. */
  rows: number;
  /** Bytes of those rows. */
  bytes: number;
  /**
   * Bytes of the row behind them, its line end not included, if that one ends like one that wins: it is
   * not counted, since only its fields tell whether it is one. Else 0.
   */
  winnerBytes: number;
}

/** Counts and finds; its memory does not grow. */
export class RowScanner {
  /** Where rows go to be scanned. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** Rows that were counted, by agency. */
  readonly counts: Float64Array;
  readonly #kernel: Kernel;
  readonly #stopped: Int32Array;
  readonly #tail: number;
  readonly #tailMask: number;

  constructor(options: { winningNumber: number; inputBytesMax: number }) {
    this.#kernel = scanRows(INPUT_AT + options.inputBytesMax + BLOCK_BYTES);
    const { memory } = this.#kernel;
    this.input = memory.subarray(INPUT_AT, INPUT_AT + options.inputBytesMax);
    this.counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
    this.#stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
    const tail = `,${options.winningNumber}`.slice(-TAIL_BYTES);
    const blank = "\0".repeat(TAIL_BYTES - tail.length);
    this.#tail = fourBytes(blank + tail);
    this.#tailMask = fourBytes(blank + "\xff".repeat(tail.length));
  }

  /**
   * Counts the rows between two places of `input`, up to the first that may win or is no bet.
   *
   * @param end Behind a line end.
   */
  scan(from: number, end: number): Scanned {
    if (from >= end) return { rows: 0, bytes: 0, winnerBytes: 0 };
    const rows = this.#kernel.run(INPUT_AT + from, INPUT_AT + end, this.#tail, this.#tailMask);
    const stoppedAt = this.#stopped[0];
    const winnerEnd = this.#stopped[1];
    return {
      rows,
      bytes: stoppedAt - INPUT_AT - from,
      winnerBytes: winnerEnd === 0 ? 0 : winnerEnd - stoppedAt,
    };
  }
}

/** Four bytes as one integer, the first one the lowest. */
function fourBytes(latin1: string): number {
  const bytes = Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));
  return new DataView(bytes.buffer).getInt32(0, true);
}
