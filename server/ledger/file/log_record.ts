/**
 * A record of a redo log: one round of appends, as it stands in bets.csv.
 *
 * A record begins at a page boundary and fills whole pages. So a torn or failed write cannot damage a record that was
 * acknowledged before it. Its first byte occurs in no row, so a page of rows is never mistaken for the beginning of a
 * record.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { startsWith } from "../../../shared/bytes.ts";
import { pageAligned } from "../disk.ts";
import { FixedLine } from "./fixed_line.ts";

/** Records begin on multiples of this. The disk writes no less at a time. */
export const PAGE_BYTES = 4096;

/** A round of appends. */
export interface LogRecord {
  /** The lottery to which the bets belong: a UUID. */
  lottery: string;
  /** Records of an older epoch no longer count. */
  epoch: number;
  /** Position in bets.csv at which the round begins. */
  from: number;
  /** The rows of the round. */
  rows: Uint8Array;
}

/** The first byte of a record. */
const RECORD_MARK = 0x01;
const LOTTERY_BYTES = 36;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const PREFIX = encoder.encode(`\x01lottery=${" ".repeat(LOTTERY_BYTES)} `);
const LOTTERY_AT = PREFIX.length - 1 - LOTTERY_BYTES;
/** `crc` is the CRC-32 of the lottery's id and the rows. */
const LINE = new FixedLine({ epoch: 12, from: 16, length: 10, crc: 10 });

/** Bytes of a record before its rows. */
export const HEADER_BYTES: number = PREFIX.length + LINE.bytes;

/** Returns how many pages a record fills whose rows have this many bytes. */
export function pagesOf(rowBytes: number): number {
  return Math.ceil((HEADER_BYTES + rowBytes) / PAGE_BYTES);
}

/** Writes records of one server into a buffer that is used again for each. */
export class RecordWriter {
  readonly #lottery: Uint8Array;
  readonly #epoch: number;
  readonly #seed: number;
  #bytes = pageAligned(16 * PAGE_BYTES);

  constructor({ lottery, epoch }: Pick<LogRecord, "lottery" | "epoch">) {
    this.#lottery = lotteryBytes(lottery);
    this.#epoch = epoch;
    this.#seed = crc32(this.#lottery);
  }

  /** Returns the record, in whole pages, valid until the next one. */
  write(from: number, rows: Uint8Array): Uint8Array {
    const size = PAGE_BYTES * pagesOf(rows.length);
    if (size > this.#bytes.length) this.#bytes = pageAligned(2 * size);
    const record = this.#bytes.subarray(0, size);
    record.set(PREFIX);
    record.set(this.#lottery, LOTTERY_AT);
    const crc = crc32(rows, this.#seed);
    LINE.format(
      { epoch: this.#epoch, from, length: rows.length, crc },
      record.subarray(PREFIX.length, HEADER_BYTES),
    );
    record.set(rows, HEADER_BYTES);
    record.fill(0, HEADER_BYTES + rows.length);
    return record;
  }
}

/** Finds the whole records in the content of a log, in no particular order. They share its memory. */
export function* parseRecords(log: Uint8Array): Generator<LogRecord> {
  for (let at = 0; at < log.length;) {
    const record = parseRecord(log.subarray(at));
    if (record !== undefined) yield record;
    at += PAGE_BYTES * (record === undefined ? 1 : pagesOf(record.rows.length));
  }
}

/** Parses the record at the beginning of `bytes`; returns nothing if none is there, or not the whole of one. */
function parseRecord(bytes: Uint8Array): LogRecord | undefined {
  if (bytes[0] !== RECORD_MARK || !startsWith(bytes, PREFIX.subarray(0, LOTTERY_AT))) return;
  const header = LINE.parse(bytes.subarray(PREFIX.length, HEADER_BYTES));
  if (header === undefined || bytes[PREFIX.length - 1] !== PREFIX[PREFIX.length - 1]) return;
  const { epoch, from, length, crc } = header;
  const rows = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
  const lottery = bytes.subarray(LOTTERY_AT, LOTTERY_AT + LOTTERY_BYTES);
  if (rows.length < length || crc32(rows, crc32(lottery)) !== crc) return;
  return { lottery: decoder.decode(lottery), epoch, from, rows };
}

/** The id of a lottery as records have it: of fixed length. Servers write UUIDs. */
export function lotteryOf(id: string): string {
  return decoder.decode(lotteryBytes(id));
}

function lotteryBytes(id: string): Uint8Array {
  const bytes = new Uint8Array(LOTTERY_BYTES).fill(0x20);
  encoder.encodeInto(id, bytes);
  return bytes;
}
