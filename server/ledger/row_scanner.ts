/**
 * Counts the rows of bets.csv for each agency, and stops at each that ends in the winning number.
 *
 * This is one of the two loops that everything waits for (the other one translates bets), and so it is
 * written for the processor's vector instructions: it looks at sixteen bytes at once.
 *
 * @module
 */

import { AGENCIES_MAX } from "../../shared/bet.ts";
import {
  block,
  CHUNK_BYTES,
  constant,
  type I32,
  type Kernel,
  kernel,
  loop,
  result,
  when,
} from "../../shared/wasm.ts";

const LINE_FEED = 0x0a;
const COMMA = 0x2c;
const ZERO = 0x30;
/** What is less is a control character, and stands in no row. */
const SPACE = 0x20;

/** A comma and the winning number are compared as the last bytes of eight. */
const TAIL_BYTES = 8;

/** Where things are in the kernel's memory. The input comes behind them. */
const STOPPED_AT = 0;
const WINNER_END = 4;
const TAIL_AT = 8;
const COUNTS_AT = 16;
const INPUT_AT = COUNTS_AT + 8 * (AGENCIES_MAX + 1);

/** Takes where rows begin and end, and how many bytes the tail has; gives how many rows were counted. */
const scanRows = kernel(3, ([at, end, tailBytes], variables) => {
  const [rows, rowAt, agency, byte] = Array.from({ length: 4 }, variables.i32);
  const [control, countAt] = [variables.i32(), variables.i32()];
  const isDigit = (value: I32) => value.minus(ZERO).isLess(10);
  return [
    rowAt.set(at),
    constant(WINNER_END).putFourBytes(0),
    block((stop) => [
      loop((nextRow) => [
        agency.set(0),
        block((isOver) => [
          loop((nextDigit) => [
            byte.set(at.byte()),
            isOver.jumpIf(byte.equals(COMMA)),
            stop.jumpIf(isDigit(byte).isZero()),
            agency.set(agency.times(10).plus(byte.minus(ZERO))),
            stop.jumpIf(agency.isMore(AGENCIES_MAX)),
            at.add(1),
            nextDigit.jump(),
          ]),
        ]),
        stop.jumpIf(agency.isZero()),
        loop((nextChunk) => [
          control.set(at.chunk().isLess(SPACE).bitmask()),
          when(control.isZero(), [at.add(CHUNK_BYTES), nextChunk.jump()]),
        ]),
        at.add(control.trailingZeros()),
        stop.jumpIf(at.byte().differs(LINE_FEED)),
        stop.jumpIf(isDigit(at.minus(1).byte()).isZero()),
        when(
          at.minus(TAIL_BYTES).eightBytes().dropBytes(constant(TAIL_BYTES).minus(tailBytes))
            .equals(constant(TAIL_AT).eightBytes()),
          [constant(WINNER_END).putFourBytes(at), stop.jump()],
        ),
        countAt.set(agency.times(8)),
        countAt.putFloat(countAt.float(COUNTS_AT).plusOne(), COUNTS_AT),
        rows.add(1),
        at.add(1),
        rowAt.set(at),
        nextRow.jumpIf(at.isLess(end)),
      ]),
    ]),
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
   * Bytes of the row behind them, its line end not included, if that one ends in the winning number: it is
   * not counted, since a comma within quotes may have looked like the last one. Else 0.
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
  readonly #tailBytes: number;

  constructor(options: { winningNumber: number; inputBytesMax: number }) {
    this.#kernel = scanRows(INPUT_AT + options.inputBytesMax + CHUNK_BYTES);
    const { memory } = this.#kernel;
    this.input = memory.subarray(INPUT_AT, INPUT_AT + options.inputBytesMax);
    this.counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
    this.#stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
    const tail = new TextEncoder().encode(`,${options.winningNumber}`);
    this.#tailBytes = tail.length;
    memory.set(tail, TAIL_AT);
  }

  /**
   * Counts the rows between two places of `input`, up to the first that wins or is no bet.
   *
   * @param end Behind a line end.
   */
  scan(from: number, end: number): Scanned {
    if (from >= end) return { rows: 0, bytes: 0, winnerBytes: 0 };
    const rows = this.#kernel.run(INPUT_AT + from, INPUT_AT + end, this.#tailBytes);
    const stoppedAt = this.#stopped[0];
    const winnerEnd = this.#stopped[1];
    return {
      rows,
      bytes: stoppedAt - INPUT_AT - from,
      winnerBytes: winnerEnd === 0 ? 0 : winnerEnd - stoppedAt,
    };
  }
}
