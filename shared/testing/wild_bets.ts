/**
 * Random bets, most of them valid or nearly so, to test the edges of every rule.
 *
 * @module
 */

import type { Bet } from "../bet.ts";
import type { Random } from "../../testing/random.ts";

const encoder = new TextEncoder();

/** Characters of one to four bytes, including the neighbors of forbidden ones. */
const GOOD = [
  ..."aZ09 -.'/,\"|%~\u00a0ñÁ߀߿\u0800\u2027\u202a\u202e€\ud7ff\ue000\ufeff\uffff😀\u{10ffff}",
];
const BAD = [..."\0\t\n\r\x1f\x7f\x80\x85\x9f\u2028\u2029;:"];
/** Bytes that begin, continue or break a character or a field. */
const BYTES =
  "00 0a 20 22 2c 2d 30 39 3a 3b 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e2 ed ef f0 f4 f5 ff"
    .split(" ").map((hex) => parseInt(hex, 16));
const YEARS = ["0000", "0001", "1899", "1900", "1996", "2000", "2023", "2024", "2026", "9999"];

/** Returns a valid bet, with a birthdate of 2025 at the latest. */
export function goodBet(random: Random): Omit<Bet, "agency"> {
  const text = (bytesMax: number) => fill(random, GOOD, 1 + random.below(bytesMax));
  const two = (count: number) => String(1 + random.below(count)).padStart(2, "0");
  return {
    firstName: text(64),
    lastName: text(64),
    document: text(20),
    birthdate: `${1900 + random.below(126)}-${two(12)}-${two(28)}`,
    number: random.below(10_000),
  };
}

/** Returns the fields of a bet, each of them sometimes invalid. */
export function wildFields(random: Random): string[] {
  const fields = [wildText(random, 64), wildText(random, 64), wildText(random, 20)];
  fields.push(wildDate(random), wildNumber(random));
  if (random.once(40)) fields.splice(random.below(5), 1);
  if (random.once(40)) fields.splice(random.below(6), 0, wildText(random, 5));
  return fields;
}

/** Returns `bytes` with a few of them changed, dropped or added; usually none. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const wild = Array.from(bytes);
  while (random.once(3)) {
    const at = random.below(wild.length + 1);
    const byte = random.once(4) ? random.below(256) : random.pick(BYTES);
    wild.splice(at, random.below(2), ...(random.once(3) ? [] : [byte]));
  }
  return Uint8Array.from(wild);
}

function wildText(random: Random, bytesMax: number): string {
  if (random.once(60)) return "";
  const isLong = random.once(8);
  const text = fill(random, GOOD, isLong ? bytesMax - 2 + random.below(5) : 1 + random.below(12));
  return random.once(30) ? text + random.pick(BAD) + text.slice(0, 1) : text;
}

/** Returns random characters that together have `bytesCount` bytes. */
function fill(random: Random, characters: string[], bytesCount: number): string {
  let text = "";
  let left = bytesCount;
  while (left > 0) {
    const character = random.once(2) ? random.pick(characters) : random.pick("abcdefgh");
    const size = encoder.encode(character).length;
    // One byte always fits.
    text += size <= left ? character : "x";
    left -= size <= left ? size : 1;
  }
  return text;
}

function wildDate(random: Random): string {
  const two = (count: number) => String(random.below(count)).padStart(2, "0");
  if (random.once(20)) {
    return random.pick(["", "2000-1-01", "2000/01/01", "+200-01-01", "20000-01-01"]);
  }
  return `${random.pick(YEARS)}-${random.once(2) ? "02" : two(14)}-${
    random.once(2) ? "29" : two(33)
  }`;
}

function wildNumber(random: Random): string {
  const number = String(random.below(random.once(8) ? 100_000 : 10_000));
  if (random.once(12)) {
    return random.pick(["", "-1", "+5", "1e3", "0x1F", " 1", "١", "9999", "10000"]);
  }
  return random.once(6) ? number.padStart(1 + random.below(12), "0") : number;
}

/** Fields of a bet without its agency: usually those that vector code accepts. */
export function mostlyCommonFields(random: Random): string[] {
  if (random.once(2)) {
    return ["Ana", "Zoë María", "30123456", "1990-05-30", String(random.below(10_000))];
  }
  return random.once(2) ? Object.values(goodBet(random)).map(String) : wildFields(random);
}
