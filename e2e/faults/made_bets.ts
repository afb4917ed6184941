/**
 * Made bets: bet `index` of an agency is always the same, and no two bets share a document. So the
 * checker knows every bet without storing any.
 *
 * @module
 */

import { WINNING_NUMBER } from "../../testing/lottery_environment.ts";
import type { Bet } from "../../shared/bet.ts";

const WINNER_EVERY = 10;
const INDEX_DIGITS = 8;

const FIRST_NAMES = ["Ana", "Bruno Ezequiel", "Carla", "José María", "Ñusta", 'Ana "Nita"', "Li"];
const LAST_NAMES = ["Pérez", "Lorca", "Núñez, hija", "de la Fuente y Ortega", "O'Higgins", "Sosa"];

/** Returns bet `index`, counted from 0, of an agency. */
export function madeBet(agency: number, index: number): Bet {
  const isWinner = index % WINNER_EVERY === agency % WINNER_EVERY;
  return {
    agency,
    firstName: FIRST_NAMES[index % FIRST_NAMES.length],
    lastName: LAST_NAMES[(index + agency) % LAST_NAMES.length],
    document: `${agency}${String(index).padStart(INDEX_DIGITS, "0")}`,
    birthdate: `19${50 + index % 50}-0${1 + index % 9}-1${index % 10}`,
    number: isWinner ? WINNING_NUMBER : (index * 31 + agency) % WINNING_NUMBER,
  };
}

/** Returns the index of the agency's bet with this document, or -1 if it has none. */
export function indexOf(agency: number, document: string): number {
  const prefix = String(agency);
  const digits = document.slice(prefix.length);
  if (!document.startsWith(prefix) || !/^\d+$/.test(digits) || digits.length !== INDEX_DIGITS) {
    return -1;
  }
  return Number(digits);
}

/** Returns the documents of the winners among the first `count` bets of an agency. */
export function winnersOf(agency: number, count: number): string[] {
  const winners = [];
  for (let index = agency % WINNER_EVERY; index < count; index += WINNER_EVERY) {
    winners.push(madeBet(agency, index).document);
  }
  return winners;
}

/** Returns a bet's row in bets.csv, without its newline. */
export function rowOf(agency: number, index: number): string {
  return `${agency},${sourceRowOf(agency, index)}`;
}

/** Returns a bet's row in the agency's own file, without its newline. */
function sourceRowOf(agency: number, index: number): string {
  const { firstName, lastName, document, birthdate, number } = madeBet(agency, index);
  return [quoted(firstName), quoted(lastName), document, birthdate, number].join(",");
}

/** Returns an agency's file with its first `count` bets. */
export function sourceFileOf(agency: number, count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += `${sourceRowOf(agency, index)}\n`;
  return text;
}

/** Returns the StoreBatch packet of bets `from` up to, but not including, `to`. */
export function batchPacket(agency: number, from: number, to: number): Uint8Array {
  const bets = [];
  for (let index = from; index < to; index++) {
    const { firstName, lastName, document, birthdate, number } = madeBet(agency, index);
    bets.push([firstName, lastName, document, birthdate, number].join(";"));
  }
  return new TextEncoder().encode(`StoreBatch:${agency};${bets.join(":")}\n`);
}

function quoted(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
