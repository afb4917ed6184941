/**
 * Counts the rows of bets.csv per agency, and lists the rows that end in the winning number.
 *
 * This is one of the hot loops, so it uses vector instructions, sixteen bytes at a time. README.md has
 * the background.
 *
 * @module
 */

import { COMMA, LINE_FEED, QUOTE, ZERO } from "../ascii.ts";
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
const LISTED_TO = 4;
const COUNTS_AT = 8;
const INPUT_AT = COUNTS_AT + 8 * (AGENCIES_MAX + 1);

/**
 * The kernel. Its parameters are the start and end of the rows, the last bytes of a winning row,
 * a mask for those of them that count, and where to list rows that end like one. It returns how many
 * rows it has counted, and leaves in memory where it stopped and where the list ends.
 *
 * It goes from block to block, not from row to row, so that the processor can look for the end of
 * the next row before it knows where this one ends. It expects each row to be of the same agency as
 * the row before, since the rows of a batch are.
 */
const scanRows = kernel(5, ([at, end, tail, tailMask, listAt], locals) => {
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
  const [commas, quotes, inRow, fieldAt] = Array.from({ length: 4 }, () => locals.i32());
  const bytes = locals.v128();
  const addUncounted = countAt.storeF64(countAt.loadF64(COUNTS_AT).add(uncounted), COUNTS_AT);
  return [
    rowAt.set(at),
    // startBits is 0, so no masked row equals 1: the first row counts as another agency.
    start.set(I64.extend(constant(1))),
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
              listAt.store32(rowAt),
              listAt.store32(lineEnd, 4),
              // Fields are counted here, so that a common winner needs little more work.
              commas.set(0),
              quotes.set(0),
              fieldAt.set(rowAt),
              loop((nextVector) => [
                bytes.set(fieldAt.loadVector()),
                inRow.set(constant(-1)),
                when(lineEnd.subtract(fieldAt).lessThan(VECTOR_BYTES), [
                  inRow.set(constant(1).shiftLeft(lineEnd.subtract(fieldAt)).subtract(1)),
                ]),
                commas.increment(bytes.equals(COMMA).bitmask().and(inRow).oneBits()),
                quotes.increment(bytes.equals(QUOTE).bitmask().and(inRow).oneBits()),
                fieldAt.increment(VECTOR_BYTES),
                nextVector.branchIf(fieldAt.lessThan(lineEnd)),
              ]),
              listAt.store32(commas.equals(COMMAS).and(quotes.isZero()), 8),
              listAt.increment(LISTED_BYTES),
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
    constant(LISTED_TO).store32(listAt),
    returnValue(rows),
  ];
});

/** The result of one scan. */
export interface Scanned {
  /** Number of rows counted. */
  rows: number;
  /** Length of those rows. */
  bytes: number;
  /** Number of those rows that end like a winning row. Only their fields show whether they win. */
  listed: number;
}

/** Shortest row that the kernel lists, though no bet is so short: `1,7` and its line feed. */
const ROW_BYTES_MIN = 4;
/** Commas of a row without quoted fields. */
const COMMAS = 5;
/** A row in the list: where it begins, where its line feed is, and whether it has six fields and no quotes. */
const LISTED_BYTES = 12;

/** Options of {@linkcode RowScanner}. */
export interface RowScannerOptions {
  winningNumber: number;
  /** Longest input, in bytes. */
  inputBytesMax: number;
}

/** Counts rows and lists possible winners. Its memory does not grow. */
export class RowScanner {
  /** Where the rows go. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** Number of rows counted since the start, by agency. */
  readonly counts: Float64Array;
  /**
   * Three numbers for each listed row: where it begins in `input`, where its line feed is, and 1 if it has
   * six fields and no quotes, else 0.
   */
  readonly list: Int32Array;
  /** Scans from one address of the memory to another. Returns the number of rows counted. */
  readonly #run: (at: number, end: number) => number;
  readonly #stopped: Int32Array;
  readonly #listAt: number;

  constructor({ winningNumber, inputBytesMax }: RowScannerOptions) {
    const listAt = Math.ceil((INPUT_AT + inputBytesMax + BLOCK_BYTES) / 4) * 4;
    const listBytes = LISTED_BYTES * Math.ceil(inputBytesMax / ROW_BYTES_MIN + 1);
    const tail = `,${winningNumber}`.slice(-TAIL_BYTES);
    let memory: Uint8Array<ArrayBuffer>;
    if (hasVectorInstructions()) {
      const blank = "\0".repeat(TAIL_BYTES - tail.length);
      const tailBits = fourBytes(blank + tail);
      const tailMask = fourBytes(blank + "\xff".repeat(tail.length));
      const kernel = scanRows(listAt + listBytes);
      memory = kernel.memory;
      this.#run = (at, end) => kernel.run(at, end, tailBits, tailMask, listAt);
    } else {
      memory = new Uint8Array(listAt + listBytes);
      this.#run = scalarScan(memory, { tail: new TextEncoder().encode(tail), listAt });
    }
    this.#listAt = listAt;
    this.input = memory.subarray(INPUT_AT, INPUT_AT + inputBytesMax);
    this.counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
    this.list = new Int32Array(memory.buffer, listAt, listBytes / 4);
    this.#stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
  }

  /**
   * Counts the rows in `input` between `from` and `end`, up to the first that is invalid.
   *
   * @param end Just after a line feed.
   */
  scan(from: number, end: number): Scanned {
    if (from >= end) return { rows: 0, bytes: 0, listed: 0 };
    const start = INPUT_AT + from;
    const rows = this.#run(start, INPUT_AT + end);
    const [stoppedAt, listedTo] = this.#stopped;
    const listed = (listedTo - this.#listAt) / LISTED_BYTES;
    for (let at = 0; at < 3 * listed; at += 3) {
      this.list[at] -= INPUT_AT;
      this.list[at + 1] -= INPUT_AT;
    }
    return { rows, bytes: stoppedAt - start, listed };
  }
}

/** Returns a scan that does what the kernel does, in the same memory, without vector instructions. */
function scalarScan(
  memory: Uint8Array<ArrayBuffer>,
  { tail, listAt }: { tail: Uint8Array; listAt: number },
): (at: number, end: number) => number {
  const stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
  const counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
  const list = new Int32Array(memory.buffer, listAt);
  return (at, end) => {
    let [rows, listed, rowAt] = [0, 0, at];
    while (rowAt < end) {
      const lineEnd = scalarRowEnd(memory, rowAt);
      const comma = memory.indexOf(COMMA, rowAt);
      if (lineEnd < 0 || comma - rowAt > AGENCY_DIGITS_MAX) break;
      const agency = parseDigits(memory, rowAt, comma, AGENCIES_MAX);
      if (agency < 1) break;
      if (endsWith(memory, lineEnd, tail)) {
        list.set([rowAt, lineEnd, isCommon(memory.subarray(rowAt, lineEnd)) ? 1 : 0], 3 * listed++);
      }
      counts[agency]++;
      rows++;
      rowAt = lineEnd + 1;
    }
    stopped.set([rowAt, listAt + LISTED_BYTES * listed]);
    return rows;
  };
}

/** Returns whether a row has six fields and no quotes. */
function isCommon(row: Uint8Array): boolean {
  return !row.includes(QUOTE) && row.filter((byte) => byte === COMMA).length === COMMAS;
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
