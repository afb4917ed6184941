/**
 * The five fields of a bet as separate texts.
 *
 * @module
 */

import { BET_FIELDS, type BetFault, BetScanner } from "../shared/bet.ts";

const scanner = new BetScanner(";");

/**
 * Checks the fields of a bet, in the order of BET_FIELDS.
 *
 * @param today The current day, as dayNumber() returns it.
 * @returns The first fault, or nothing.
 */
export function fieldsFault(fields: readonly string[], today: number): BetFault | undefined {
  const index = fields.findIndex((value) => value.includes(";"));
  if (index >= 0) {
    const reason = "holds a `;`, which no packet can carry";
    return { field: BET_FIELDS[index], reason, value: fields[index] };
  }
  const bytes = new TextEncoder().encode(fields.join(";"));
  return scanner.scan(bytes, 0, bytes.length, today);
}
