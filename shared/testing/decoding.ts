/**
 * Decoding of whole lines, for tests of packets.
 *
 * @module
 */

import { assert, assertThrows } from "@std/assert";
import type { Bet } from "../bet.ts";
import { BetDecoder, decodeRequest, type DecodeRules, PacketError } from "../packets.ts";
import { betsOf } from "./batches.ts";

/** Five agencies, on a day after every birthdate of the tests. */
export const RULES: DecodeRules = { agencies: 5, today: 20261123 };

/** A valid bet, without its agency. */
export const JUAN = "Juan;Perez;12345678;1980-01-01;1234";

/** Encodes a text as UTF-8. */
export const utf8 = (text: string) => new TextEncoder().encode(text);

/** Decodes UTF-8. */
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Decodes a valid line. */
export function decode(line: string | Uint8Array, rules = RULES) {
  return decodeRequest(typeof line === "string" ? utf8(line) : line, rules, new BetDecoder("rows"));
}

/** Returns the error for an invalid line. */
export function refusal(line: string | Uint8Array, rules = RULES): PacketError {
  return assertThrows(() => decode(line, rules), PacketError);
}

/** Decodes the bets of a valid Store packet. */
export function decodeBets(line: string | Uint8Array, rules = RULES): Bet[] {
  const request = decode(line, rules);
  assert("batch" in request);
  return betsOf(request.batch, "rows");
}
