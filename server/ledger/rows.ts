/**
 * Rows of bets.csv: `agency,first,last,document,birthdate,number`, CSV with minimal quoting, `\n` behind
 * each, no header.
 *
 * @module
 */

import type { ByteBuffer } from "../../shared/bytes.ts";
import type { BetBatch } from "../../shared/packets.ts";

const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const ZERO = 0x30;

/** Longest number with its comma and line end, and a quote or two: more than a bet's text needs. */
const ROW_EXTRA_BYTES = 16;

/** Appends the rows of a batch to `out`, straight from the bytes of its packet. */
export function writeRows(batch: BetBatch, out: ByteBuffer): void {
  const agency = new TextEncoder().encode(`${batch.agency},`);
  // A quoted field is at the most twice as long, and two quotes; the packet bounds all fields together.
  const textBytes = batch.bytes.length * (batch.needsQuotes ? 2 : 1);
  out.reserve(textBytes + batch.count * (agency.length + ROW_EXTRA_BYTES));
  const { bytes } = out;
  let at = out.length;
  for (let index = 0; index < batch.count; index++) {
    for (let digit = 0; digit < agency.length; digit++) bytes[at++] = agency[digit];
    at = batch.needsQuotes ? putQuoted(batch, index, bytes, at) : putPlain(batch, index, bytes, at);
    at = putNumber(batch.number(index), bytes, at);
    bytes[at++] = LINE_FEED;
  }
  out.length = at;
}

/** Puts the four text fields, each with a comma behind it; returns where they end. */
function putPlain(batch: BetBatch, index: number, out: Uint8Array, at: number): number {
  const packet = batch.bytes;
  const start = batch.start(index);
  const shift = at - start;
  const end = batch.end(index, 3);
  // Copying these few bytes one by one is quicker than a call of set() with its subarray().
  for (let from = start; from < end; from++) out[from + shift] = packet[from];
  for (let field = 0; field < 4; field++) out[batch.end(index, field) + shift] = COMMA;
  return end + shift + 1;
}

function putQuoted(batch: BetBatch, index: number, out: Uint8Array, at: number): number {
  let from = batch.start(index);
  for (let field = 0; field < 4; field++) {
    const end = batch.end(index, field);
    at = putField(batch.bytes.subarray(from, end), out, at);
    out[at++] = COMMA;
    from = end + 1;
  }
  return at;
}

function putField(field: Uint8Array, out: Uint8Array, at: number): number {
  if (!field.includes(COMMA) && !field.includes(QUOTE)) {
    out.set(field, at);
    return at + field.length;
  }
  out[at++] = QUOTE;
  for (const byte of field) {
    if (byte === QUOTE) out[at++] = QUOTE;
    out[at++] = byte;
  }
  out[at++] = QUOTE;
  return at;
}

/** Puts a number of up to four digits, without leading zeros; returns where it ends. */
function putNumber(number: number, out: Uint8Array, at: number): number {
  if (number >= 1000) out[at++] = ZERO + Math.floor(number / 1000);
  if (number >= 100) out[at++] = ZERO + Math.floor(number / 100) % 10;
  if (number >= 10) out[at++] = ZERO + Math.floor(number / 10) % 10;
  out[at++] = ZERO + number % 10;
  return at;
}

/**
 * Splits a row into its fields, as RFC 4180 has it.
 *
 * @param row The row's bytes, without its line end.
 */
export function parseRow(row: Uint8Array): string[] {
  const text = new TextDecoder().decode(row);
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,"]*))(?:,|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) break;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]);
  }
  return fields;
}
