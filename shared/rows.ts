/**
 * Rows of bets.csv: `agency,first,last,document,birthdate,number`, CSV with minimal quoting, `\n` behind
 * each, no header. Common rows are written by bet_translator.ts.
 *
 * @module
 */

import type { BetScanner } from "./bet.ts";
import { ByteBuffer } from "./bytes.ts";

const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const QUOTE = 0x22;

/**
 * Writes the row of a bet, out of the packet that it was found in.
 *
 * @param found What the last scan has found.
 * @param start Where the bet begins in `packet`.
 * @returns The row, with its line end.
 */
export function writeRow(
  agency: number,
  packet: Uint8Array,
  start: number,
  found: BetScanner,
): Uint8Array {
  const row = new ByteBuffer(512);
  row.writeText(String(agency));
  let from = start;
  for (const end of found.ends) {
    row.writeByte(COMMA);
    writeField(packet.subarray(from, end), row);
    from = end + 1;
  }
  row.writeText(`,${found.number}`);
  row.writeByte(LINE_FEED);
  return row.view();
}

function writeField(field: Uint8Array, row: ByteBuffer): void {
  if (!field.includes(COMMA) && !field.includes(QUOTE)) return row.write(field);
  row.writeByte(QUOTE);
  for (const byte of field) {
    if (byte === QUOTE) row.writeByte(QUOTE);
    row.writeByte(byte);
  }
  row.writeByte(QUOTE);
}

/**
 * Splits a row into its fields, as RFC 4180 has it.
 *
 * @param row The row's bytes, without its line end.
 */
export function parseRow(row: Uint8Array): string[] {
  // A byte order mark is a character like others: it must not get lost.
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
