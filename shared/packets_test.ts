import { assert, assertEquals, assertFalse, assertInstanceOf, assertThrows } from "@std/assert";
import { COLON } from "./ascii.ts";
import { AGENCIES_MAX, type Bet } from "./bet.ts";
import {
  encodeProgressResponse,
  encodeStoreResponse,
  REFUSED,
  STORED,
  WINNERS_RESPONSE_HEAD,
} from "./answers.ts";
import {
  BET_BYTES_MAX,
  BetDecoder,
  type BetNotation,
  decodeRequest,
  encodeAgencyRequest,
  encodeBetFields,
  encodeStoreHead,
  isStoreRequest,
  PACKET_BYTES_MIN,
  PacketError,
  REQUEST_TYPES,
  STORE_BET_BYTES_MAX,
} from "./packets.ts";
import { betsOf } from "./testing/batches.ts";
import { latin1, plainStoreBets } from "./testing/plain_model.ts";
import { casesWanted, forAll, type Random } from "../testing/random.ts";
import { goodBet, mutate, wildFields } from "./testing/wild_bets.ts";
import { decode, decodeBets, JUAN, RULES, textOf, utf8 } from "./testing/decoding.ts";

const PLAIN_RULES = { agencies: 5, today: "2026-11-23" };

function encodeStore(
  type: "StoreBet" | "StoreBatch",
  agency: number,
  bets: Omit<Bet, "agency">[],
): Uint8Array {
  const fields = bets.map((bet) => [...encodeBetFields(bet)]);
  const parts = fields.flatMap((bytes, index) => index === 0 ? bytes : [COLON, ...bytes]);
  return Uint8Array.from([...encodeStoreHead(type, agency), ...parts]);
}

const JUAN_BET: Bet = {
  agency: 1,
  firstName: "Juan",
  lastName: "Perez",
  document: "12345678",
  birthdate: "1980-01-01",
  number: 1234,
};

const MARIA_BET: Bet = {
  agency: 1,
  firstName: "Maria",
  lastName: "Gomez",
  document: "87654321",
  birthdate: "1999-10-25",
  number: 1234,
};

Deno.test("decodeRequest() decodes a StoreBet", { permissions: "none" }, () => {
  assertEquals(decode("StoreBet:1;Juan;Perez;12345678;1980-01-01;1234").type, "StoreBet");
  assertEquals(decodeBets("StoreBet:1;Juan;Perez;12345678;1980-01-01;1234"), [JUAN_BET]);
});

Deno.test("decodeRequest() decodes a StoreBatch with `;` or `:` after its agency", {
  permissions: "none",
}, () => {
  const bets = "Juan;Perez;12345678;1980-01-01;5423:Maria;Gomez;87654321;1999-10-25;1234";
  for (const separator of [";", ":"]) {
    const line = `StoreBatch:1${separator}${bets}`;
    assertEquals(decode(line).type, "StoreBatch");
    assertEquals(decodeBets(line), [{ ...JUAN_BET, number: 5423 }, MARIA_BET]);
  }
});

Deno.test("decodeRequest() decodes a StoreBatch of one bet in both spellings", {
  permissions: "none",
}, () => {
  for (const separator of [";", ":"]) {
    assertEquals(decodeBets(`StoreBatch:1${separator}${JUAN}`), [JUAN_BET]);
  }
});

Deno.test("decodeRequest() decodes packets that have only an agency", {
  permissions: "none",
}, () => {
  assertEquals(decode("AgencyClose:1"), { type: "AgencyClose", agency: 1 });
  assertEquals(decode("WinnersRequest:5"), { type: "WinnersRequest", agency: 5 });
  assertEquals(decode("ProgressRequest:3"), { type: "ProgressRequest", agency: 3 });
  assertEquals(decode("AgencyClose:002"), { type: "AgencyClose", agency: 2 });
  const rules = { ...RULES, agencies: AGENCIES_MAX };
  assertEquals(decode(`AgencyClose:${AGENCIES_MAX}`, rules), {
    type: "AgencyClose",
    agency: AGENCIES_MAX,
  });
});

Deno.test(
  "encoders write the packets of the protocol byte for byte",
  { permissions: "none" },
  () => {
    assertEquals(
      textOf(encodeStore("StoreBet", 1, [JUAN_BET])),
      "StoreBet:1;Juan;Perez;12345678;1980-01-01;1234",
    );
    assertEquals(
      textOf(encodeStore("StoreBatch", 1, [{ ...JUAN_BET, number: 5423 }, MARIA_BET])),
      "StoreBatch:1;Juan;Perez;12345678;1980-01-01;5423:Maria;Gomez;87654321;1999-10-25;1234",
    );
    assertEquals(textOf(encodeStoreResponse(STORED)), "StoreResponse:0\n");
    assertEquals(textOf(encodeStoreResponse(REFUSED)), "StoreResponse:1\n");
    assertEquals(textOf(encodeAgencyRequest("AgencyClose", 1)), "AgencyClose:1\n");
    assertEquals(textOf(encodeAgencyRequest("WinnersRequest", 1)), "WinnersRequest:1\n");
    assertEquals(textOf(encodeAgencyRequest("ProgressRequest", 1)), "ProgressRequest:1\n");
    assertEquals(textOf(encodeProgressResponse(26936)), "ProgressResponse:26936\n");
    assertEquals(textOf(WINNERS_RESPONSE_HEAD), "WinnersResponse:");
  },
);

Deno.test("encodeBetFields() writes UTF-8 and no leading zeros", {
  permissions: "none",
}, () => {
  const bytes = encodeBetFields({ ...JUAN_BET, firstName: "Nicolás", number: 7 });
  assertEquals(bytes, utf8("Nicol\u00e1s;Perez;12345678;1980-01-01;7"));
});

Deno.test("decodeRequest() accepts bets at the limits", {
  permissions: "none",
}, async (t) => {
  const names = `${"x".repeat(64)};${"ñ".repeat(32)};${"1".repeat(20)}`;
  const good: Record<string, [line: string, changes: Partial<Bet>]> = {
    "names and document at their limits": [
      `StoreBet:5;${names};1980-01-01;9999`,
      {
        agency: 5,
        firstName: "x".repeat(64),
        lastName: "ñ".repeat(32),
        document: "1".repeat(20),
        number: 9999,
      },
    ],
    "a leap day": ["StoreBet:1;Juan;Perez;12345678;2000-02-29;0", {
      birthdate: "2000-02-29",
      number: 0,
    }],
    "a birthdate of today": ["StoreBet:1;Juan;Perez;12345678;2026-11-23;1234", {
      birthdate: "2026-11-23",
    }],
    "a number with leading zeros": ["StoreBet:1;Juan;Perez;12345678;1980-01-01;0042", {
      number: 42,
    }],
    "an agency with leading zeros": ["StoreBet:01;Juan;Perez;12345678;1980-01-01;1234", {}],
    "a percent sign, a comma and quotes": [
      `StoreBet:1;%s "J", O'Neil;Perez;12345678;1980-01-01;1234`,
      { firstName: `%s "J", O'Neil` },
    ],
    "a byte order mark in a name": ["StoreBet:1;\ufeffJuan;Perez;12345678;1980-01-01;1234", {
      firstName: "\ufeffJuan",
    }],
  };
  for (const [name, [line, changes]] of Object.entries(good)) {
    await t.step(name, () => assertEquals(decodeBets(line), [{ ...JUAN_BET, ...changes }]));
  }
});

Deno.test("STORE_BET_BYTES_MAX and PACKET_BYTES_MIN equal the longest packets of one bet", {
  permissions: "none",
}, () => {
  const bet = {
    firstName: "x".repeat(64),
    lastName: "😀".repeat(16),
    document: "9".repeat(20),
    birthdate: "1980-01-01",
    number: 9999,
  };
  const rules = { ...RULES, agencies: AGENCIES_MAX };
  const single = encodeStore("StoreBet", AGENCIES_MAX, [bet]);
  const batch = encodeStore("StoreBatch", AGENCIES_MAX, [bet]);
  // The encoded packets have no line end yet.
  assertEquals(single.length + 1, STORE_BET_BYTES_MAX);
  assertEquals(batch.length + 1, PACKET_BYTES_MIN);
  assertEquals(encodeBetFields(bet).length, BET_BYTES_MAX);
  assertEquals([BET_BYTES_MAX, STORE_BET_BYTES_MAX, PACKET_BYTES_MIN], [166, 181, 183]);
  assertEquals(decodeBets(single, rules), [{ agency: AGENCIES_MAX, ...bet }]);
  assertEquals(decodeBets(batch, rules), [{ agency: AGENCIES_MAX, ...bet }]);
});

Deno.test("BetDecoder.decode() keeps nothing of the packet before, valid or not", {
  permissions: "none",
}, () => {
  const decoder = new BetDecoder("rows");
  const quoted = `Ju"an;Perez;1;1980-01-01;1`;
  const three = utf8(`StoreBatch:2;${quoted}:${quoted}:${quoted}`);
  const first = decoder.decode("StoreBatch", three, RULES);

  const bad = utf8(`StoreBatch:3;${quoted}:${quoted}:bad`);
  assertThrows(() => decoder.decode("StoreBatch", bad, RULES), PacketError);
  const second = decoder.decode("StoreBatch", utf8(`StoreBatch:1:${JUAN}`), RULES);
  assertEquals([second.agency, second.count], [1, 1]);
  assertEquals(textOf(second.bytes), "1,Juan,Perez,12345678,1980-01-01,1234\n");

  // A batch owns its bytes: neither its packet nor later ones can change it.
  three.fill(0x78);
  assertEquals([first.agency, first.count], [2, 3]);
  assertEquals(textOf(first.bytes), `2,"Ju""an",Perez,1,1980-01-01,1\n`.repeat(3));
});

Deno.test("BetDecoder.decode() writes bets in its notation", {
  permissions: "none",
}, () => {
  const packet = utf8(`StoreBatch:1;${JUAN}:Ju"an,;Perez;1;1980-01-01;0042`);
  const decode = (notation: BetNotation) =>
    textOf(new BetDecoder(notation).decode("StoreBatch", packet, RULES).bytes);
  assertEquals(decode("packet"), `${JUAN}:Ju"an,;Perez;1;1980-01-01;42:`);
  assertEquals(
    decode("rows"),
    `1,Juan,Perez,12345678,1980-01-01,1234\n1,"Ju""an,",Perez,1,1980-01-01,42\n`,
  );
});

Deno.test("BetDecoder.decode() accepts packets of any length", { permissions: "none" }, () => {
  const decoder = new BetDecoder("packet");
  for (const count of [1, 255, 2000, 5000, 20_000, 1]) {
    const bets = Array.from({ length: count }, (_, index) => ({
      ...JUAN_BET,
      document: String(index + 1),
      number: index % 10_000,
    }));
    const line = encodeStore("StoreBatch", 1, bets);
    assertEquals(betsOf(decoder.decode("StoreBatch", line, RULES), "packet"), bets);
  }
});

Deno.test("isStoreRequest() needs only the beginning of a line", { permissions: "none" }, () => {
  assert(isStoreRequest(utf8("StoreBet:1;Ju")));
  assert(isStoreRequest(utf8("StoreBatch:")));
  for (
    const line of ["", "Store", "StoreBatch", "StoreResponse:0", "AgencyClose:1", "xStoreBet:"]
  ) {
    assertFalse(isStoreRequest(utf8(line)), line);
  }
});

Deno.test("decodeRequest() decodes whatever is encoded", { permissions: "none" }, () => {
  forAll({ cases: 2000 }, (random) => {
    const agency = 1 + random.below(5);
    const bets = Array.from({ length: 1 + random.below(4) }, () => goodBet(random));
    const type = bets.length === 1 && random.once(2) ? "StoreBet" : "StoreBatch";
    const line = encodeStore(type, agency, bets);
    assertEquals(decodeBets(line), bets.map((bet) => ({ agency, ...bet })));
  });
});

Deno.test("decodeRequest() accepts exactly the Store packets that the plain model accepts", {
  permissions: "none",
}, () => {
  const decoders = (["rows", "packet"] as const).map((notation) => ({
    notation,
    decoder: new BetDecoder(notation),
  }));
  let good = 0;
  const cases = casesWanted(20_000);
  forAll({ cases }, (random) => {
    const line = wildPacket(random);
    const expected = plainStoreBets(line, PLAIN_RULES);
    const { notation, decoder } = random.pick(decoders);
    let bets: Bet[] | undefined;
    try {
      const request = decodeRequest(line, RULES, decoder);
      assert("batch" in request);
      bets = betsOf(request.batch, notation);
    } catch (error) {
      assertInstanceOf(error, PacketError);
      assertEquals(error.isStore, /^Store(Bet|Batch):/.test(latin1(line)));
    }
    assertEquals(bets, expected, JSON.stringify(textOf(line)));
    if (bets !== undefined) good++;
  });
  assert(good > cases / 5 && good < cases * 4 / 5, `${good} of ${cases} are valid`);
});

/** Returns a Store packet of one to three bets, each part of it sometimes invalid. */
function wildPacket(random: Random): Uint8Array {
  const type = random.pick(["StoreBet", "StoreBatch", "StoreBatch", "StoreBatch"]);
  const agency = random.once(20) ? random.pick(["", "0", "6", "01", "-1"]) : 1 + random.below(5);
  const separator = type === "StoreBatch" && random.once(2) || random.once(30) ? ":" : ";";
  const count = type === "StoreBet" && !random.once(20) ? 1 : random.below(4) || 1;
  const bets = Array.from({ length: count }, () => {
    const fields = random.once(2) ? Object.values(goodBet(random)) : wildFields(random);
    return fields.join(";");
  });
  if (random.once(40)) bets.push("");
  return mutate(random, utf8(`${type}:${agency}${separator}${bets.join(":")}`));
}

Deno.test("REQUEST_TYPES lists the request types of the protocol", { permissions: "none" }, () => {
  assertEquals([...REQUEST_TYPES], [
    "StoreBet",
    "StoreBatch",
    "AgencyClose",
    "WinnersRequest",
    "ProgressRequest",
    "DigestRequest",
  ]);
});
