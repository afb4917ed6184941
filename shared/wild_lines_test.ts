/**
 * Lines by chance, most of them nearly a packet, given to everything that decodes one: it takes
 * exactly what the document allows, and else throws a PacketError and nothing worse.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  BetDecoder,
  decodeProgressResponse,
  decodeRequest,
  decodeStoreResponse,
  decodeWinnersResponse,
  isStoreRequest,
  PacketError,
  REQUEST_TYPES,
} from "./packets.ts";
import { latin1 } from "./testing/plain_model.ts";
import { casesWanted, forAll, type Random } from "../testing/random.ts";
import { mutate } from "./testing/wild_bets.ts";

const RULES = { agencies: 5, today: 20261123 };
const WORDS = [...REQUEST_TYPES, "StoreResponse", "ProgressResponse", "WinnersResponse", "", "x"];
const RESTS = ["0", "1", "2", "5", "6", "05", "-1", "1;2", "123456789012345", "1234567890123456"];
const SIGNS = [":", ":", ":", ":", ";", " ", ""];
const WHOLE: readonly (readonly [RegExp, (line: Uint8Array) => unknown])[] = [
  [/^(AgencyClose|WinnersRequest|ProgressRequest):0*[1-5]$/, decodeAgencyRequest],
  [/^StoreResponse:[01]$/, decodeStoreResponse],
  [/^ProgressResponse:[0-9]{1,15}$/, decodeProgressResponse],
  [/^WinnersResponse:[^:]*$/, decodeWinnersResponse],
];

/** A line that is a packet, nearly one, or anything. */
function wildLine(random: Random): Uint8Array {
  if (random.once(4)) return anyBytes(random);
  const text = random.pick(WORDS) + random.pick(SIGNS) + random.pick(RESTS);
  return mutate(random, new TextEncoder().encode(text));
}

function anyBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(300) }, () => random.below(256));
}

/** Decodes what an agency sends, unless it is to store bets: packets_test.ts has those. */
function decodeAgencyRequest(line: Uint8Array): unknown {
  const request = decodeRequest(line, RULES, new BetDecoder("packet"));
  assert(!("batch" in request));
  return request.agency;
}

/** Whether the line is taken; anything but a PacketError fails. */
function isTaken(decode: (line: Uint8Array) => unknown, line: Uint8Array): boolean {
  try {
    decode(line);
    return true;
  } catch (error) {
    assertInstanceOf(error, PacketError);
    assertEquals(error.isStore, decode === decodeAgencyRequest && isStoreRequest(line));
    return false;
  }
}

Deno.test("Every decoder takes what the document allows, and refuses all else", {
  permissions: "none",
}, () => {
  let taken = 0;
  const cases = casesWanted(20_000);
  forAll({ cases }, (random) => {
    const line = wildLine(random);
    for (const [pattern, decode] of WHOLE) {
      const expected = pattern.test(latin1(line));
      assertEquals(isTaken(decode, line), expected, JSON.stringify(latin1(line)));
      if (expected) taken++;
    }
  });
  assert(taken > cases / 20 && taken < cases / 2, `${taken} of ${cases} are taken`);
});
