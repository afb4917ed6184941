/**
 * Rows of bets.csv: `agency,first,last,document,birthdate,number`. They are CSV with minimal
 * quoting, a `\n` after each row, and no header. bet_translator.ts writes the common rows.
 *
 * @module
 */

import { COMMA, QUOTE } from "./ascii.ts";
import type { BetScanner } from "./bet.ts";
import { ByteBuffer } from "./bytes.ts";

/** The row written last. All rows share one buffer, since there are many. */
const row = new ByteBuffer(512);

/**
 * Writes the row of a bet that a scanner has found in a packet.
 *
 * @param start Where the bet begins in `packet`.
 * @param found The scanner, after it scanned that bet.
 * @returns The row with its line end, valid until the next one is written.
 */
export function writeRow(
  agency: number,
  packet: Uint8Array,
  start: number,
  found: BetScanner,
): Uint8Array {
  row.length = 0;
  row.writeText(`${agency},`);
  if (found.needsQuotes) writeQuotedFields(packet, start, found);
  else writePlainFields(packet, start, found);
  row.writeText(`${found.number}\n`);
  return row.view();
}

function writePlainFields(packet: Uint8Array, start: number, { ends }: BetScanner): void {
  const shift = row.length - start;
  row.write(packet.subarray(start, ends[3] + 1));
  for (let field = 0; field < ends.length; field++) row.bytes[ends[field] + shift] = COMMA;
}

function writeQuotedFields(packet: Uint8Array, start: number, { ends }: BetScanner): void {
  let from = start;
  for (let field = 0; field < ends.length; field++) {
    writeField(packet, from, ends[field]);
    row.writeByte(COMMA);
    from = ends[field] + 1;
  }
}

function writeField(packet: Uint8Array, from: number, end: number): void {
  const field = packet.subarray(from, end);
  if (!field.includes(COMMA) && !field.includes(QUOTE)) return row.write(field);
  row.writeByte(QUOTE);
  for (let at = from; at < end; at++) {
    if (packet[at] === QUOTE) row.writeByte(QUOTE);
    row.writeByte(packet[at]);
  }
  row.writeByte(QUOTE);
}

/**
 * Splits a row into its fields (RFC 4180).
 *
 * @param row The row's bytes, without its line end.
 * @returns The fields; fewer than the row has if its quotes are malformed.
 */
export function parseRow(row: Uint8Array): string[] {
  // A byte order mark is a character like any other and must be kept.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(row);
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,"]*))(?:,|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) break;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]);
  }
  return fields;
}
