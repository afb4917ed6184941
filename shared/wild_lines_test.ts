/**
 * Random lines, most of them nearly a packet, for every decoder: each accepts exactly what the
 * document allows, and otherwise throws a PacketError and nothing else.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  decodeDigestResponse,
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
} from "./answers.ts";
import {
  BetDecoder,
  decodeRequest,
  isStoreRequest,
  PacketError,
  REQUEST_TYPES,
} from "./packets.ts";
import { latin1 } from "./testing/plain_model.ts";
import { casesWanted, forAll, type Random } from "../testing/random.ts";
import { mutate } from "./testing/wild_bets.ts";

const RULES = { agencies: 5, today: 20261123 };
const BETS = new BetDecoder("packet");
const ANSWERS = ["StoreResponse", "ProgressResponse", "DigestResponse", "WinnersResponse"];
const WORDS = [...REQUEST_TYPES, ...ANSWERS, "", "x"];
const SHA256 = "0123456789abcdef".repeat(4);
const RESTS = [
  ...["0", "1", "2", "5", "6", "05", "-1", "1;2", "123456789012345", "1234567890123456"],
  ...[`0;${SHA256}`, `123456789012345;${SHA256}`, `1;${SHA256}0`, `1;${SHA256.toUpperCase()}`],
];
/** One line for each pattern below. */
const PACKETS = [
  ...["DigestRequest:1", "StoreResponse:0", "ProgressResponse:12", "WinnersResponse:1;2"],
  `DigestResponse:12;${SHA256}`,
];
const SIGNS = [":", ":", ":", ":", ";", " ", ""];
const WHOLE: readonly (readonly [RegExp, (line: Uint8Array) => unknown])[] = [
  [/^(AgencyClose|WinnersRequest|ProgressRequest|DigestRequest):0*[1-5]$/, decodeAgencyRequest],
  [/^StoreResponse:[01]$/, decodeStoreResponse],
  [/^ProgressResponse:[0-9]{1,15}$/, decodeProgressResponse],
  [/^DigestResponse:[0-9]{1,15};[0-9a-f]{64}$/, decodeDigestResponse],
  [/^WinnersResponse:[^:]*$/, decodeWinnersResponse],
];

/** Returns a packet, nearly a packet, or any bytes. */
function wildLine(random: Random): Uint8Array {
  if (random.once(4)) return anyBytes(random);
  const text = random.once(3)
    ? random.pick(PACKETS)
    : random.pick(WORDS) + random.pick(SIGNS) + random.pick(RESTS);
  return mutate(random, new TextEncoder().encode(text));
}

function anyBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(300) }, () => random.below(256));
}

/** Decodes a request other than a Store packet. packets_test.ts covers those. */
function decodeAgencyRequest(line: Uint8Array): unknown {
  const request = decodeRequest(line, RULES, BETS);
  assert(!("batch" in request));
  return request.agency;
}

/** Returns whether `decode` accepts the line. Any error but a PacketError fails the test. */
function isAccepted(decode: (line: Uint8Array) => unknown, line: Uint8Array): boolean {
  try {
    decode(line);
    return true;
  } catch (error) {
    assertInstanceOf(error, PacketError);
    assertEquals(error.isStore, decode === decodeAgencyRequest && isStoreRequest(line));
    return false;
  }
}

Deno.test("decoders accept exactly the lines that the document allows", {
  permissions: "none",
}, () => {
  const accepted = new Map(WHOLE.map(([pattern]) => [pattern, 0]));
  const cases = casesWanted(20_000);
  forAll({ cases }, (random) => {
    const line = wildLine(random);
    for (const [pattern, decode] of WHOLE) {
      const expected = pattern.test(latin1(line));
      assertEquals(isAccepted(decode, line), expected, JSON.stringify(latin1(line)));
      if (expected) accepted.set(pattern, accepted.get(pattern)! + 1);
    }
  });
  const total = accepted.values().reduce((sum, count) => sum + count, 0);
  assert(total > cases / 20 && total < cases / 2, `${total} of ${cases} are accepted`);
  for (const [pattern, count] of accepted) {
    assert(count > cases / 500, `${count} of ${cases} match ${pattern}`);
  }
});
