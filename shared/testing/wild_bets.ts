/**
 * Bets by chance: most of them good or nearly good, so that a test stands at the border of every
 * rule.
 *
 * @module
 */

import type { Bet } from "../bet.ts";
import type { Random } from "../../testing/random.ts";

const encoder = new TextEncoder();

/** Characters of one to four bytes, the ones beside a forbidden one among them. */
const GOOD = [
  ..."aZ09 -.'/,\"|%~\u00a0ñÁ߀߿\u0800\u2027\u202a\u202e€\ud7ff\ue000\ufeff\uffff😀\u{10ffff}",
];
const BAD = [..."\0\t\n\r\x1f\x7f\x80\x85\x9f\u2028\u2029;:"];
/** Bytes that begin, go on with, or spoil a character or a field. */
const BYTES = [0x00, 0x0a, 0x20, 0x22, 0x2c, 0x2d, 0x30, 0x39, 0x3a, 0x3b, 0x7f, 0x80, 0x8f, 0x90]
  .concat([
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe2,
    0xed,
    0xef,
    0xf0,
    0xf4,
    0xf5,
    0xff,
  ]);
const YEARS = ["0000", "0001", "1899", "1900", "1996", "2000", "2023", "2024", "2026", "9999"];

/** A bet that keeps every rule; born in the year 2025 at the latest. */
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

/** The fields of a bet, each of them bad now and then. */
export function wildFields(random: Random): string[] {
  const fields = [wildText(random, 64), wildText(random, 64), wildText(random, 20)];
  fields.push(wildDate(random), wildNumber(random));
  if (random.once(40)) fields.splice(random.below(5), 1);
  if (random.once(40)) fields.splice(random.below(6), 0, wildText(random, 5));
  return fields;
}

/** `bytes` with a few of them changed, dropped, doubled or added; most often none. */
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

/** Characters that together have `bytesCount` bytes, or a little less. */
function fill(random: Random, characters: string[], bytesCount: number): string {
  let text = "";
  let left = bytesCount;
  while (left > 0) {
    const character = random.once(2) ? random.pick(characters) : random.pick("abcdefgh");
    const size = encoder.encode(character).length;
    // One byte fits always.
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
