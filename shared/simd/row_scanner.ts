/**
 * Counts the rows of bets.csv per agency, and lists the winners among them.
 *
 * This is one of the hot loops, so it uses vector instructions, sixteen bytes at a time. README.md has
 * the background.
 *
 * @module
 */

import { COMMA, LINE_FEED, QUOTE, SEMICOLON, ZERO } from "../ascii.ts";
import { AGENCIES_MAX, AGENCY_DIGITS_MAX, BIRTHDATE_BYTES, DOCUMENT_BYTES_MAX } from "../bet.ts";
import { parseDigits } from "../bytes.ts";
import { hasVectorInstructions, kernel, type Locals } from "./kernel.ts";
import {
  block,
  constant,
  fourDigits,
  type I32,
  type I32Local,
  I64,
  loop,
  returnValue,
  type Statement,
  VECTOR_BYTES,
  when,
} from "./wasm.ts";

/** The last of the control characters, which no row contains. */
const CONTROL_MAX = 0x1f;
/** Bytes that are searched for line feeds at a time. */
const BLOCK_BYTES = 4 * VECTOR_BYTES;
/** How much of a row's end is compared with the winning number and the comma before it. */
const TAIL_BYTES = 4;
/** The birthdate and the commas around it. */
const DATE_BYTES = BIRTHDATE_BYTES + 2;
/** A bit for each of those commas, counted from the first one. */
const DATE_COMMAS = 1 | 1 << (DATE_BYTES - 1);
/** Commas of a row without quoted fields. */
const COMMAS = 5;

/** An entry of the list: three integers. */
const ENTRY_BYTES = 12;
/** Shortest row that the kernel lists, though no bet is so short: `1,7` and its line feed. */
const ROW_BYTES_MIN = 4;

/** Layout of the kernel's memory. The counts are followed by the input, the list and the documents. */
const STOPPED_AT = 0;
const LISTED_TO = 4;
const COUNTS_AT = 8;
const INPUT_AT = COUNTS_AT + 8 * (AGENCIES_MAX + 1);

/**
 * The kernel. Its parameters are the start and end of the rows, the last bytes of a winning row,
 * a mask for those of them that count, the number of its digits, and where the list and the documents go. It
 * returns how many rows it has counted, and leaves in memory where it stopped and where the list ends.
 *
 * It goes from block to block, not from row to row, so that the processor can look for the end of
 * the next row before it knows where this one ends. It expects each row to be of the same agency as
 * the row before, since the rows of a batch are.
 */
const scanRows = kernel(7, ([at, end, tail, tailMask, digits, listAt, documentsAt], locals) => {
  const [rows, rowAt, lineEnd] = [locals.i32(), locals.i32(), locals.i32()];
  /** A bit for each control character in the block: line feeds, if all rows are valid. */
  const controls = locals.i64();
  const controlsIn = (offset: number) =>
    I64.extend(at.loadVector(offset).lessOrEqual(CONTROL_MAX).bitmask(), offset);
  /** The first bytes of the row before: its agency and the comma. */
  const start = locals.i64();
  /** How many bits that is, where its count is, and how many rows have yet to be added to it. */
  const [startBits, countAt, uncounted] = [locals.i32(), locals.i32(), locals.i32()];
  const [agencyDigits, agency] = [locals.i32(), locals.i32()];
  const addUncounted = countAt.storeF64(countAt.loadF64(COUNTS_AT).add(uncounted), COUNTS_AT);
  const winners = { rowAt, lineEnd, agency, digits, listAt, documentsAt };
  return [
    rowAt.set(at),
    listAt.set(listAt.subtract(ENTRY_BYTES)),
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
              agencyDigits.set(
                rowAt.loadVector().subtract(ZERO).lessOrEqual(9).bitmask().xor(-1).trailingZeros(),
              ),
              stop.branchIf(agencyDigits.subtract(1).greaterThan(AGENCY_DIGITS_MAX - 1)),
              stop.branchIf(rowAt.add(agencyDigits).load8().notEquals(COMMA)),
              agency.set(rowAt.load32().subtract(0x30303030)),
              agency.set(agency.shiftLeft(constant(4).subtract(agencyDigits).multiply(8))),
              agency.set(fourDigits(agency)),
              stop.branchIf(agency.isZero()),
              addUncounted,
              uncounted.set(0),
              countAt.set(agency.multiply(8)),
              startBits.set(agencyDigits.add(1).multiply(8)),
              start.set(rowAt.load64().lowBits(startBits)),
            ]),
            when(
              lineEnd.subtract(TAIL_BYTES).load32().and(tailMask).equals(tail),
              listWinner(winners, locals),
            ),
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
    constant(LISTED_TO).store32(listAt.add(ENTRY_BYTES)),
    returnValue(rows),
  ];
});

/** What the kernel knows of a row that ends in the winning number. */
interface Winner {
  rowAt: I32Local;
  lineEnd: I32Local;
  agency: I32Local;
  /** The number of digits of the winning number. */
  digits: I32Local;
  /** Where the last entry of the list is. */
  listAt: I32Local;
  /** Where the documents begin. */
  documentsAt: I32Local;
}

/** Copies the document of a common winner, and lists any other row. */
function listWinner(
  { rowAt, lineEnd, agency, digits, listAt, documentsAt }: Winner,
  locals: Locals,
): Statement[] {
  /** The agency of the last entry, and how many bytes of documents there are. */
  const [listedAgency, copied] = [locals.i32(), locals.i32()];
  /** Where the comma before the birthdate is, and how long the document before that is. */
  const [dateAt, documentBytes] = [locals.i32(), locals.i32()];
  const [at, inTexts, commas, quotes] = Array.from({ length: 4 }, locals.i32);
  const [bytes, copyTo] = [locals.v128(), locals.i32()];
  /** The bytes before the birthdate that are looked at together, where they begin, and their commas. */
  const windowBytes = 4 * VECTOR_BYTES;
  const [windowAt, inWindow] = [locals.i32(), locals.i64()];
  const window = [0, 1, 2, 3].map((index) => index * VECTOR_BYTES);
  const inVector = (offset: number, byte: number) => windowAt.loadVector(offset).equals(byte);
  const textBytes = dateAt.subtract(rowAt);
  const commasAt = (address: I32) => address.loadVector().equals(COMMA).bitmask();
  const commaBefore = commasAt(dateAt.subtract(2 * VECTOR_BYTES))
    .or(commasAt(dateAt.subtract(VECTOR_BYTES)).shiftLeft(constant(VECTOR_BYTES)));
  const inDateAndNumber = lowestBits(digits.add(DATE_BYTES));
  return [
    block((done) => [
      block((uncommon) => [
        dateAt.set(lineEnd.subtract(digits).subtract(DATE_BYTES)),
        uncommon.branchIf(dateAt.lessThan(rowAt)),
        bytes.set(dateAt.loadVector()),
        bytes.set(bytes.equals(COMMA).or(bytes.equals(QUOTE))),
        uncommon.branchIf(bytes.bitmask().and(inDateAndNumber).notEquals(DATE_COMMAS)),
        windowAt.set(dateAt.subtract(windowBytes)),
        block((counted) => [
          block((far) => [
            far.branchIf(textBytes.greaterThan(windowBytes)),
            // Perhaps in the row before.
            far.branchIf(
              window.map((offset) => inVector(offset, QUOTE))
                .reduce((one, other) => one.or(other)).bitmask(),
            ),
            inWindow.set(
              window.map((offset) => I64.extend(inVector(offset, COMMA).bitmask(), offset))
                .reduce((low, high) => low.or(high)).highBits(textBytes),
            ),
            uncommon.branchIf(inWindow.oneBits().notEquals(COMMAS - 2)),
            documentBytes.set(inWindow.leadingZeros()),
            counted.branch(),
          ]),
          commas.set(0),
          quotes.set(0),
          at.set(rowAt),
          loop((nextVector) => [
            bytes.set(at.loadVector()),
            inTexts.set(constant(-1)),
            when(dateAt.subtract(at).lessThan(VECTOR_BYTES), [
              inTexts.set(lowestBits(dateAt.subtract(at))),
            ]),
            commas.increment(bytes.equals(COMMA).bitmask().and(inTexts).oneBits()),
            quotes.set(quotes.or(bytes.equals(QUOTE).bitmask().and(inTexts))),
            at.increment(VECTOR_BYTES),
            nextVector.branchIf(at.lessThan(dateAt)),
          ]),
          uncommon.branchIf(commas.equals(COMMAS - 2).and(quotes.isZero()).isZero()),
          documentBytes.set(commaBefore.leadingZeros()),
        ]),
        uncommon.branchIf(documentBytes.greaterThan(DOCUMENT_BYTES_MAX)),
        when(listedAgency.notEquals(agency), [
          listedAgency.set(agency),
          listAt.increment(ENTRY_BYTES),
          listAt.store32(agency),
          listAt.store32(copied, 4),
        ]),
        copyTo.set(documentsAt.add(copied)),
        at.set(dateAt.subtract(documentBytes)),
        copyTo.storeVector(at.loadVector()),
        copyTo.storeVector(at.loadVector(VECTOR_BYTES), VECTOR_BYTES),
        copyTo.add(documentBytes).store8(SEMICOLON),
        copied.increment(documentBytes.add(1)),
        listAt.store32(copied, 8),
        done.branch(),
      ]),
      listedAgency.set(0),
      listAt.increment(ENTRY_BYTES),
      listAt.store32(0),
      listAt.store32(rowAt.subtract(INPUT_AT), 4),
      listAt.store32(lineEnd.subtract(INPUT_AT), 8),
    ]),
  ];
}

function lowestBits(count: I32): I32 {
  return constant(1).shiftLeft(count).subtract(1);
}

/** The result of one scan. */
export interface Scanned {
  /** Number of rows counted. */
  rows: number;
  /** Length of those rows. */
  bytes: number;
  /** Number of entries in the list. */
  listed: number;
}

/** Options of {@linkcode RowScanner}. */
export interface RowScannerOptions {
  winningNumber: number;
  /** Longest input, in bytes. */
  inputBytesMax: number;
}

/** Counts rows and lists winners. Its memory does not grow. */
export class RowScanner {
  /** Where the rows go. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** Number of rows counted since the start, by agency. */
  readonly counts: Float64Array;
  /**
   * The winners in the order of the rows. An entry has three numbers:
   *
   * - an agency, and from where to where its next winners' documents are in {@linkcode documents};
   * - or 0, where a row begins in `input`, and where its line feed is. It ends like a winning row, but has not
   *   six fields without quotes, or too long a document. Only its fields show whether it wins.
   */
  readonly list: Int32Array;
  /** Documents, each with a `;` after it. */
  readonly documents: Uint8Array<ArrayBuffer>;
  /** Scans from one address of the memory to another. Returns the number of rows counted. */
  readonly #run: (at: number, end: number) => number;
  readonly #stopped: Int32Array;
  readonly #listAt: number;

  constructor({ winningNumber, inputBytesMax }: RowScannerOptions) {
    const listAt = Math.ceil((INPUT_AT + inputBytesMax + BLOCK_BYTES) / 4) * 4;
    const listBytes = ENTRY_BYTES * Math.ceil(inputBytesMax / ROW_BYTES_MIN + 1);
    const documentsAt = listAt + listBytes;
    const memoryBytes = documentsAt + inputBytesMax + 2 * VECTOR_BYTES;
    const number = String(winningNumber);
    const tail = `,${number}`.slice(-TAIL_BYTES);
    let memory: Uint8Array<ArrayBuffer>;
    if (hasVectorInstructions()) {
      const blank = "\0".repeat(TAIL_BYTES - tail.length);
      const tailBits = fourBytes(blank + tail);
      const tailMask = fourBytes(blank + "\xff".repeat(tail.length));
      const kernel = scanRows(memoryBytes);
      memory = kernel.memory;
      this.#run = (at, end) =>
        kernel.run(at, end, tailBits, tailMask, number.length, listAt, documentsAt);
    } else {
      memory = new Uint8Array(memoryBytes);
      this.#run = scalarScan(memory, { number, listAt, documentsAt });
    }
    this.#listAt = listAt;
    this.input = memory.subarray(INPUT_AT, INPUT_AT + inputBytesMax);
    this.counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
    this.list = new Int32Array(memory.buffer, listAt, listBytes / 4);
    this.documents = memory.subarray(documentsAt);
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
    return { rows, bytes: stoppedAt - start, listed: (listedTo - this.#listAt) / ENTRY_BYTES };
  }
}

/** Where a scan works in its memory, and what it looks for. */
interface ScalarScanOptions {
  /** The winning number. */
  number: string;
  listAt: number;
  documentsAt: number;
}

/** Returns a scan that does what the kernel does, in the same memory, without vector instructions. */
function scalarScan(
  memory: Uint8Array<ArrayBuffer>,
  { number, listAt, documentsAt }: ScalarScanOptions,
): (at: number, end: number) => number {
  const stopped = new Int32Array(memory.buffer, STOPPED_AT, 2);
  const counts = new Float64Array(memory.buffer, COUNTS_AT, AGENCIES_MAX + 1);
  const list = new Int32Array(memory.buffer, listAt);
  const tail = new TextEncoder().encode(`,${number}`.slice(-TAIL_BYTES));
  return (at, end) => {
    let [rows, rowAt, listed, listedAgency, copied] = [0, at, 0, 0, 0];
    while (rowAt < end) {
      const lineEnd = scalarRowEnd(memory, rowAt);
      const comma = memory.indexOf(COMMA, rowAt);
      if (lineEnd < 0 || comma - rowAt > AGENCY_DIGITS_MAX) break;
      const agency = parseDigits(memory, rowAt, comma, AGENCIES_MAX);
      if (agency < 1) break;
      if (endsWith(memory, lineEnd, tail)) {
        const dateAt = lineEnd - number.length - DATE_BYTES;
        const documentAt = commonDocumentAt(memory, { rowAt, dateAt, lineEnd });
        if (documentAt < 0) {
          list.set([listedAgency = 0, rowAt - INPUT_AT, lineEnd - INPUT_AT], 3 * listed++);
        } else {
          if (agency !== listedAgency) list.set([listedAgency = agency, copied], 3 * listed++);
          memory.copyWithin(documentsAt + copied, documentAt, dateAt);
          copied += dateAt - documentAt + 1;
          memory[documentsAt + copied - 1] = SEMICOLON;
          list[3 * listed - 1] = copied;
        }
      }
      counts[agency]++;
      rows++;
      rowAt = lineEnd + 1;
    }
    stopped.set([rowAt, listAt + ENTRY_BYTES * listed]);
    return rows;
  };
}

/**
 * Returns where the document of a common winner begins: of a row with six fields, no quotes, and neither date nor
 * document longer than is valid. Returns -1 for any other row.
 *
 * @param row Its beginning, the comma that would precede its birthdate, and its end.
 */
function commonDocumentAt(
  memory: Uint8Array,
  { rowAt, dateAt, lineEnd }: { rowAt: number; dateAt: number; lineEnd: number },
): number {
  const commas: number[] = [];
  for (let at = rowAt; at < lineEnd; at++) {
    if (memory[at] === QUOTE) return -1;
    if (memory[at] === COMMA) commas.push(at);
  }
  const [, , beforeDocument, beforeDate, afterDate] = commas;
  const isCommon = commas.length === COMMAS && beforeDate === dateAt &&
    afterDate === dateAt + DATE_BYTES - 1 && dateAt - beforeDocument - 1 <= DOCUMENT_BYTES_MAX;
  return isCommon ? beforeDocument + 1 : -1;
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
