/**
 * Counts the rows of bets.csv per agency, and stops at each row that ends in the winning number.
 *
 * This is one of two hot loops (the other translates bets), so it uses vector instructions, sixteen
 * bytes at a time. README.md has the background.
 *
 * @module
 */

import { COMMA, LINE_FEED, ZERO } from "../ascii.ts";
import { AGENCIES_MAX, AGENCY_DIGITS_MAX } from "../bet.ts";
import { parseDigits } from "../bytes.ts";
import {
  block,
  constant,
  fourDigits,
  hasVectorInstructions,
  I64,
  kernel,
  loop,
  returnValue,
  VECTOR_BYTES,
  when,
} from "./wasm.ts";

/** The last of the control characters, which no row contains. */
const CONTROL_MAX = 0x1f;
/** Bytes that are searched for line feeds at a time. */
const BLOCK_BYTES = 4 * VECTOR_BYTES;
/** How much of a row's end is compared with the winning number and the comma before it. */
const TAIL_BYTES = 4;

/** Layout of the kernel's memory. The counts are followed by the input. */
const STOPPED_AT = 0;
const WINNER_END = 4;
const COUNTS_AT = 8;
const INPUT_AT = COUNTS_AT + 8 * (AGENCIES_MAX + 1);

/**
 * The kernel. Its parameters are the start and end of the rows, the last bytes of a winning row,
 * and a mask for those of them that count. It returns how many rows it has counted, and leaves in
 * memory where it stopped and where a possible winner ends.
 *
 * It goes from block to block, not from row to row, so that the processor can look for the end of
 * the next row before it knows where this one ends. It expects each row to be of the same agency as
 * the row before, since the rows of a batch are.
 */
const scanRows = kernel(4, ([at, end, tail, tailMask], locals) => {
  const [rows, rowAt, lineEnd] = [locals.i32(), locals.i32(), locals.i32()];
  /** A bit for each control character in the block: line feeds, if all rows are valid. */
  const controls = locals.i64();
  const controlsIn = (offset: number) =>
    I64.extend(at.loadVector(offset).lessOrEqual(CONTROL_MAX).bitmask(), offset);
  /** The first bytes of the row before: its agency and the comma. */
  const start = locals.i64();
  /** How many bits that is, where its count is, and how many rows have yet to be added to it. */
  const [startBits, countAt, uncounted] = [locals.i32(), locals.i32(), locals.i32()];
  const [digits, agency] = [locals.i32(), locals.i32()];
  const addUncounted = countAt.storeF64(countAt.loadF64(COUNTS_AT).add(uncounted), COUNTS_AT);
  return [
    rowAt.set(at),
    // startBits is 0, so no masked row equals 1: the first row counts as another agency.
    start.set(I64.extend(constant(1))),
    constant(WINNER_END).store32(0),
    block((stop) => [
      loop((nextBlock) => [
        controls.set(controlsIn(0).or(controlsIn(16)).or(controlsIn(32)).or(controlsIn(48))),
        block((blockEnd) => [
          loop((nextRow) => [
            blockEnd.branchIf(controls.isZero()),
            lineEnd.set(at.add(controls.trailingZeros())),
            controls.clearLowestBit(),
            stop.branchIf(lineEnd.lessThan(end).isZero()),
            stop.branchIf(lineEnd.load8().notEquals(LINE_FEED)),
            stop.branchIf(lineEnd.subtract(1).load8().subtract(ZERO).greaterThan(9)),
            when(rowAt.load64().lowBits(startBits).equals(start).isZero(), [
              // Another agency: one to four digits and a comma. The shift adds leading zeros.
              digits.set(
                rowAt.loadVector().subtract(ZERO).lessOrEqual(9).bitmask().xor(-1).trailingZeros(),
              ),
              stop.branchIf(digits.subtract(1).greaterThan(AGENCY_DIGITS_MAX - 1)),
              stop.branchIf(rowAt.add(digits).load8().notEquals(COMMA)),
              agency.set(rowAt.load32().subtract(0x30303030)),
              agency.set(agency.shiftLeft(constant(4).subtract(digits).multiply(8))),
              agency.set(fourDigits(agency)),
              stop.branchIf(agency.isZero()),
              addUncounted,
              uncounted.set(0),
              countAt.set(agency.multiply(8)),
              startBits.set(digits.add(1).multiply(8)),
              start.set(rowAt.load64().lowBits(startBits)),
            ]),
            when(lineEnd.subtract(TAIL_BYTES).load32().and(tailMask).equals(tail), [
              constant(WINNER_END).store32(lineEnd),
              stop.branch(),
            ]),
            uncounted.increment(1),
            rows.increment(1),
            rowAt.set(lineEnd.add(1)),
            nextRow.branch(),
          ]),
        ]),
        at.increment(BLOCK_BYTES),
        nextBlock.branchIf(at.lessThan(end)),
      ]),
    ]),
    addUncounted,
    constant(STOPPED_AT).store32(rowAt),
    returnValue(rows),
  ];
});

/** The result of one scan. */
export interface Scanned {
  /** Number of rows counted. */
  rows: number;
  /** Length of those rows. */
  bytes: number;
  /**
   * Length of the next row, without its line feed, if it ends like a winning row; else 0. That row
   * is not counted yet: only its fields show whether it wins.
   */
  winnerBytes: number;
}

/** Options of {@linkcode RowScanner}. */
export interface RowScannerOptions {
  winningNumber: number;
  /** Longest input, in bytes. */
  inputBytesMax: number;
}

/** Counts rows and finds possible winners. Its memory does not grow. */
export class RowScanner {
  /** Where the rows go. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** Number of rows counted since the start, by agency. */
  readonly counts: Float64Array;
  /** Scans from one address of the memory to another. Returns the number of rows counted. */
  readonly #run: (at: number, end: number) => number;
  readonly #stopped: Int32Array;

  constructor({ winningNumber, inputBytesMax }: RowScannerOptions) {
    const memoryBytes = INPUT_AT + inputBytesMax + BLOCK_BYTES;
    const tail = `,${winningNumber}`.slice(-TAIL_BYTES);
    let memory: Uint8Array<ArrayBuffer>;
    if (hasVectorInstructions()) {
      const blank = "\0".repeat(TAIL_BYTES - tail.length);
      const tailBits = fourBytes(blank + tail);
      const tailMask = fourBytes(blank + "\xff".repeat(tail.length));
      const kernel = scanRows(memoryBytes);
      memory = kernel.memory;
      this.#run = (at, end) => kernel.run(at, end, tailBits, tailMask);
    } else {
      memory = new Uint8Array(memoryBytes);
      this.#run = scalarScan(memory, new TextEncoder().encode(tail));
    }
    this.input = memory.subarray(INPUT_AT, INPUT_AT + inputBytesMax);
    this.counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
    this.#stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
  }

  /**
   * Counts the rows in `input` between `from` and `end`, up to the first that may win or is
   * invalid.
   *
   * @param end Just after a line feed.
   */
  scan(from: number, end: number): Scanned {
    if (from >= end) return { rows: 0, bytes: 0, winnerBytes: 0 };
    const rows = this.#run(INPUT_AT + from, INPUT_AT + end);
    const stoppedAt = this.#stopped[0];
    const winnerEnd = this.#stopped[1];
    return {
      rows,
      bytes: stoppedAt - INPUT_AT - from,
      winnerBytes: winnerEnd === 0 ? 0 : winnerEnd - stoppedAt,
    };
  }
}

/** Returns a scan that does what the kernel does, in the same memory, without vector instructions. */
function scalarScan(
  memory: Uint8Array<ArrayBuffer>,
  tail: Uint8Array,
): (at: number, end: number) => number {
  const stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
  const counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
  return (at, end) => {
    let rows = 0;
    let rowAt = at;
    let winnerEnd = 0;
    while (rowAt < end) {
      const lineEnd = scalarRowEnd(memory, rowAt);
      const comma = memory.indexOf(COMMA, rowAt);
      if (lineEnd < 0 || comma - rowAt > AGENCY_DIGITS_MAX) break;
      const agency = parseDigits(memory, rowAt, comma, AGENCIES_MAX);
      if (agency < 1) break;
      if (endsWith(memory, lineEnd, tail)) {
        winnerEnd = lineEnd;
        break;
      }
      counts[agency]++;
      rows++;
      rowAt = lineEnd + 1;
    }
    stopped.set([rowAt, winnerEnd]);
    return rows;
  };
}

/** Returns where the line feed of a row is; -1 if another control character or no digit precedes it. */
function scalarRowEnd(memory: Uint8Array, rowAt: number): number {
  let at = rowAt;
  while (memory[at] > CONTROL_MAX) at++;
  const isDigit = at > rowAt && memory[at - 1] >= ZERO && memory[at - 1] <= ZERO + 9;
  return memory[at] === LINE_FEED && isDigit ? at : -1;
}

function endsWith(memory: Uint8Array, end: number, tail: Uint8Array): boolean {
  return tail.every((byte, index) => memory[end - tail.length + index] === byte);
}

/** Reads four bytes as a little-endian integer. */
function fourBytes(latin1: string): number {
  const bytes = Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));
  return new DataView(bytes.buffer).getInt32(0, true);
}
