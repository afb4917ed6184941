/**
 * A plain model of the protocol's rules: strings and regular expressions, one line per rule. It is
 * slow, and shares no code with what is tested against it; limits are repeated as the document
 * states them.
 *
 * @module
 */

import type { Bet } from "../bet.ts";

/** What the rules depend on, besides the packet. */
export interface PlainRules {
  agencies: number;
  /** YYYY-MM-DD. */
  today: string;
}

const TEXT = /^[^\p{Cc}\u2028\u2029;:]+$/u;
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const DIGITS = /^[0-9]+$/;
const STORE_BET = /^StoreBet:([0-9]+);([^]*)$/;
const STORE_BATCH = /^StoreBatch:([0-9]+)[;:]([^]*)$/;

/** Decodes UTF-8; `undefined` if `bytes` are not UTF-8. */
export function plainText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the bets of a Store packet, or `undefined` if the packet is invalid. */
export function plainStoreBets(line: Uint8Array, rules: PlainRules): Bet[] | undefined {
  const text = plainText(line) ?? "";
  const single = STORE_BET.exec(text);
  const match = single ?? STORE_BATCH.exec(text);
  if (match === null) return undefined;
  const agency = Number(match[1]);
  if (agency < 1 || agency > rules.agencies) return undefined;
  const parts = match[2].split(":");
  if (single !== null && parts.length > 1) return undefined;
  const bets = parts.map((part) => plainBet(part.split(";"), rules.today));
  if (bets.includes(undefined)) return undefined;
  return bets.map((bet) => ({ agency, ...bet! }));
}

/** Returns the bet with these fields, or `undefined` if it is invalid. */
export function plainBet(fields: string[], today: string): Omit<Bet, "agency"> | undefined {
  if (fields.length !== 5) return undefined;
  const [firstName, lastName, document, birthdate, number] = fields;
  const isGood = isText(firstName, 64) && isText(lastName, 64) && isText(document, 20) &&
    isDate(birthdate) && birthdate <= today && DIGITS.test(number) && Number(number) <= 9999;
  if (isGood) return { firstName, lastName, document, birthdate, number: Number(number) };
}

/** Splits a stream into lines, up to one that is too long. */
export function plainFrames(
  bytes: Uint8Array,
  frameBytesMax: number,
): { frames: string[]; isTooLong: boolean; pending: number } {
  const parts = latin1(bytes).split("\n");
  const torn = parts.pop()!;
  const tooLong = parts.findIndex((part) => part.length + 1 > frameBytesMax);
  const good = tooLong < 0 ? parts : parts.slice(0, tooLong);
  return {
    frames: good.map((part) => part.endsWith("\r") ? part.slice(0, -1) : part),
    isTooLong: tooLong >= 0 || torn.length >= frameBytesMax,
    pending: torn.length,
  };
}

/** Maps each byte to one character, so that any bytes can be compared and shown. */
export function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function isText(text: string, bytesMax: number): boolean {
  return TEXT.test(text) && new TextEncoder().encode(text).length <= bytesMax;
}

function isDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith("0000")) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
