/**
 * Reads a decoded batch as bets, for assertions.
 *
 * @module
 */

import { LINE_FEED } from "../ascii.ts";
import type { Bet } from "../bet.ts";
import type { BetBatch, BetNotation } from "../packets.ts";
import { parseRow } from "../rows.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns the bets of a batch in `notation`. */
export function betsOf(batch: BetBatch, notation: BetNotation): Bet[] {
  const bets = notation === "rows" ? rowsOf(batch) : packetBetsOf(batch);
  return bets.map(([agency, firstName, lastName, document, birthdate, number]) => ({
    agency: Number(agency),
    firstName,
    lastName,
    document,
    birthdate,
    number: Number(number),
  }));
}

function rowsOf({ bytes }: BetBatch): string[][] {
  const rows: string[][] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, from);
    rows.push(parseRow(bytes.subarray(from, end)));
    from = end + 1;
  }
  return rows;
}

function packetBetsOf({ agency, bytes }: BetBatch): string[][] {
  const bets = decoder.decode(bytes).split(":").slice(0, -1);
  return bets.map((bet) => [String(agency), ...bet.split(";")]);
}
