import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { COLON } from "./ascii.ts";
import { AGENCIES_MAX, type Bet } from "./bet.ts";
import {
  BET_BYTES_MAX,
  BetDecoder,
  type BetNotation,
  decodeDigestResponse,
  decodeProgressResponse,
  decodeRequest,
  type DecodeRules,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeAgencyRequest,
  encodeBetFields,
  encodeDigestResponse,
  encodeProgressResponse,
  encodeStoreHead,
  encodeStoreResponse,
  isStoreRequest,
  PACKET_BYTES_MIN,
  PacketError,
  REFUSED,
  REQUEST_TYPES,
  STORE_BET_BYTES_MAX,
  STORED,
  WINNERS_RESPONSE_HEAD,
} from "./packets.ts";
import { betsOf } from "./testing/batches.ts";
import { latin1, plainStoreBets } from "./testing/plain_model.ts";
import { casesWanted, forAll, type Random } from "../testing/random.ts";
import { goodBet, mutate, wildFields } from "./testing/wild_bets.ts";

const RULES: DecodeRules = { agencies: 5, today: 20261123 };
const PLAIN_RULES = { agencies: 5, today: "2026-11-23" };
const JUAN = "Juan;Perez;12345678;1980-01-01;1234";
const utf8 = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Decodes a valid line. */
function decode(line: string | Uint8Array, rules = RULES) {
  return decodeRequest(typeof line === "string" ? utf8(line) : line, rules, new BetDecoder("rows"));
}

/** Returns the error for an invalid line. */
function refusal(line: string | Uint8Array, rules = RULES): PacketError {
  return assertThrows(() => decode(line, rules), PacketError);
}

function decodeBets(line: string | Uint8Array, rules = RULES): Bet[] {
  const request = decode(line, rules);
  assert("batch" in request);
  return betsOf(request.batch, "rows");
}

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

Deno.test("decodeRequest() rejects invalid Store packets with isStore", {
  permissions: "none",
}, async (t) => {
  const bet = (changes: Record<string, string>) =>
    Object.values({
      first: "Juan",
      last: "Perez",
      document: "12345678",
      birthdate: "1980-01-01",
      number: "1234",
      ...changes,
    }).join(";");
  const table: { name: string; line: string | Uint8Array; says: string }[] = [
    { name: "first name empty", line: `StoreBet:1;${bet({ first: "" })}`, says: "is empty" },
    { name: "last name empty", line: `StoreBet:1;${bet({ last: "" })}`, says: "is empty" },
    { name: "document empty", line: `StoreBet:1;${bet({ document: "" })}`, says: "is empty" },
    { name: "birthdate empty", line: `StoreBet:1;${bet({ birthdate: "" })}`, says: "YYYY-MM-DD" },
    { name: "number empty", line: `StoreBet:1;${bet({ number: "" })}`, says: "is empty" },
    { name: "first name long", line: `StoreBet:1;${bet({ first: "x".repeat(65) })}`, says: "64" },
    { name: "last name long", line: `StoreBet:1;${bet({ last: "x".repeat(65) })}`, says: "64" },
    { name: "document long", line: `StoreBet:1;${bet({ document: "1".repeat(21) })}`, says: "20" },
    { name: "a tab", line: `StoreBet:1;${bet({ first: "Ju\tan" })}`, says: "control" },
    { name: "a NUL", line: `StoreBet:1;${bet({ last: "\0" })}`, says: "control" },
    { name: "a DEL", line: `StoreBet:1;${bet({ document: "1\x7f" })}`, says: "control" },
    { name: "a C1 control", line: `StoreBet:1;${bet({ first: "\x85" })}`, says: "control" },
    { name: "U+2028", line: `StoreBet:1;${bet({ first: "Ju\u2028an" })}`, says: "control" },
    { name: "U+2029", line: `StoreBet:1;${bet({ last: "Ju\u2029an" })}`, says: "control" },
    { name: "a carriage return", line: `StoreBet:1;${bet({})}\r`, says: "number" },
    {
      name: "invalid UTF-8",
      line: Uint8Array.from([...utf8("StoreBet:1;Ju"), 0xff, ...utf8("an;Perez;1;1980-01-01;1")]),
      says: "UTF-8",
    },
    {
      name: "a `;` in a name",
      line: `StoreBet:1;${bet({ first: "Ju;an" })}`,
      says: "birthdate",
    },
    { name: "a `:` in a name", line: `StoreBet:1;${bet({ first: "Ju:an" })}`, says: "first name" },
    {
      name: "2023-02-29",
      line: `StoreBet:1;${bet({ birthdate: "2023-02-29" })}`,
      says: "calendar",
    },
    {
      name: "1900-02-29",
      line: `StoreBet:1;${bet({ birthdate: "1900-02-29" })}`,
      says: "calendar",
    },
    { name: "month 13", line: `StoreBet:1;${bet({ birthdate: "2000-13-01" })}`, says: "calendar" },
    { name: "month 0", line: `StoreBet:1;${bet({ birthdate: "2000-00-01" })}`, says: "calendar" },
    { name: "day 0", line: `StoreBet:1;${bet({ birthdate: "2000-01-00" })}`, says: "calendar" },
    { name: "year 0", line: `StoreBet:1;${bet({ birthdate: "0000-01-01" })}`, says: "calendar" },
    { name: "tomorrow", line: `StoreBet:1;${bet({ birthdate: "2026-11-24" })}`, says: "future" },
    {
      name: "another date format",
      line: `StoreBet:1;${bet({ birthdate: "01/01/1980" })}`,
      says: "date",
    },
    { name: "number 10000", line: `StoreBet:1;${bet({ number: "10000" })}`, says: "over 9999" },
    { name: "number -1", line: `StoreBet:1;${bet({ number: "-1" })}`, says: "integer" },
    { name: "number +5", line: `StoreBet:1;${bet({ number: "+5" })}`, says: "integer" },
    { name: "number 1e3", line: `StoreBet:1;${bet({ number: "1e3" })}`, says: "integer" },
    { name: "a huge number", line: `StoreBet:1;${bet({ number: "9".repeat(400) })}`, says: "over" },
    { name: "one field too few", line: "StoreBet:1;Juan;Perez;1;1980-01-01", says: "birthdate" },
    { name: "one field too many", line: `StoreBet:1;${JUAN};x`, says: "a field too many" },
    { name: "a `;` after the bet", line: `StoreBet:1;${JUAN};`, says: "a field too many" },
    { name: "two bets in StoreBet", line: `StoreBet:1;${JUAN}:${JUAN}`, says: "more than one bet" },
    { name: "a `:` after the bet", line: `StoreBet:1;${JUAN}:`, says: "more than one bet" },
    { name: "a `:` after the agency", line: `StoreBet:1:${JUAN}`, says: "no bet" },
    { name: "an empty StoreBet", line: "StoreBet:", says: "no valid agency" },
    { name: "an agency alone", line: "StoreBet:1", says: "no bet" },
    { name: "an agency and a `;`", line: "StoreBet:1;", says: "no bet" },
    { name: "no agency", line: `StoreBet:;${JUAN}`, says: "no valid agency" },
    { name: "a missing agency", line: `StoreBet:${JUAN}`, says: "no valid agency" },
    { name: "agency 0", line: `StoreBet:0;${JUAN}`, says: "agency 0 is not from 1 to 5" },
    { name: "agency N + 1", line: `StoreBet:6;${JUAN}`, says: "agency 6 is not from 1 to 5" },
    { name: "agency -1", line: `StoreBet:-1;${JUAN}`, says: "no valid agency" },
    { name: "agency with a space", line: `StoreBet: 1;${JUAN}`, says: "no valid agency" },
    {
      name: "a huge agency",
      line: `StoreBet:${"1".repeat(99)};${JUAN}`,
      says: "no valid agency",
    },
    { name: "an empty StoreBatch", line: "StoreBatch:", says: "no valid agency" },
    { name: "an empty batch", line: "StoreBatch:1", says: "no bet" },
    { name: "an empty batch with `;`", line: "StoreBatch:1;", says: "no bet" },
    { name: "an empty batch with `:`", line: "StoreBatch:1:", says: "no bet" },
    { name: "two separators", line: `StoreBatch:1:;${JUAN}`, says: "first name is empty" },
    { name: "a `:` after the last bet", line: `StoreBatch:1;${JUAN}:`, says: "bet 2: first name" },
    {
      name: "a `:` before the first bet",
      line: `StoreBatch:1;:${JUAN}`,
      says: "bet 1: first name",
    },
    {
      name: "an empty bet in the middle",
      line: `StoreBatch:1;${JUAN}::${JUAN}`,
      says: "bet 2: first name",
    },
    {
      name: "the agency in each bet",
      line: `StoreBatch:1;${JUAN}:1;${JUAN}`,
      says: "bet 2: birth",
    },
    {
      name: "an invalid last bet of many",
      line: `StoreBatch:1;${`${JUAN}:`.repeat(99)}${bet({ number: "x" })}`,
      says: "bet 100: number",
    },
    {
      name: "agency 0 in a batch",
      line: `StoreBatch:0:${JUAN}`,
      says: "agency 0 is not from 1 to 5",
    },
    {
      name: "agency N + 1 in a batch",
      line: `StoreBatch:6;${JUAN}`,
      says: "agency 6 is not from 1 to 5",
    },
  ];
  for (const { name, line, says } of table) {
    await t.step(name, () => {
      const error = refusal(line);
      assert(error.isStore);
      assertStringIncludes(error.message, says);
    });
  }
});

Deno.test("decodeRequest() rejects every other line without isStore", {
  permissions: "none",
}, async (t) => {
  const table: Record<string, string | Uint8Array> = {
    "an empty line": "",
    "no type": `:1;${JUAN}`,
    "a type without its colon": "AgencyClose",
    "a Store type without its colon": "StoreBatch",
    "lower case": `storebet:1;${JUAN}`,
    "a space before": ` StoreBet:1;${JUAN}`,
    "a byte order mark before": `\ufeffStoreBet:1;${JUAN}`,
    "a type that begins like another": `StoreBets:1;${JUAN}`,
    "an answer": "StoreResponse:0",
    "another protocol": "GET / HTTP/1.1",
    "binary data": Uint8Array.of(0x16, 0x03, 0x01, 0xff, 0x00),
    "AgencyClose without agency": "AgencyClose:",
    "AgencyClose of agency 0": "AgencyClose:0",
    "AgencyClose of agency N + 1": "AgencyClose:6",
    "AgencyClose of two agencies": "AgencyClose:1;2",
    "AgencyClose with a carriage return": "AgencyClose:1\r",
    "AgencyClose of a huge agency": `AgencyClose:${"9".repeat(400)}`,
    "WinnersRequest of agency 0": "WinnersRequest:0",
    "WinnersRequest of agency N + 1": "WinnersRequest:6",
    "WinnersRequest of a name": "WinnersRequest:uno",
    "ProgressRequest without agency": "ProgressRequest:",
    "ProgressRequest of agency N + 1": "ProgressRequest:6",
    "ProgressRequest of agency -1": "ProgressRequest:-1",
  };
  for (const [name, line] of Object.entries(table)) {
    await t.step(name, () => assertFalse(refusal(line).isStore));
  }
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

Deno.test(
  "PacketError names the agency, the bet, the field and the rule; only `sent` shows the value",
  {
    permissions: "none",
  },
  () => {
    const table: [line: string, message: string, sent: string | undefined][] = [
      [
        `StoreBatch:3;${JUAN}:Maria;Gomez;1;1999-13-01;7`,
        "Cannot store StoreBatch of agency 3: bet 2: birthdate is not a calendar date YYYY-MM-DD",
        'birthdate "1999-13-01"',
      ],
      [
        "StoreBet:3;Mar\u202eia\x1b;Gomez;1;1999-12-01;7",
        "Cannot store StoreBet of agency 3: bet 1: first name holds a control character, a `;` or a `:`",
        'first name "Mar\\u202eia\\u001b"',
      ],
      [
        `StoreBet:3;${JUAN}:${JUAN}`,
        "Cannot store StoreBet of agency 3: more than one bet follows the agency",
        undefined,
      ],
      ["AgencyClose:6", "Cannot read AgencyClose: agency 6 is not from 1 to 5", '"AgencyClose:6"'],
      [
        "StoreBet:30904465;Maria",
        "Cannot read StoreBet: it has no valid agency",
        '"StoreBet:30904465;Maria"',
      ],
      [
        "WinnersRequest:",
        "Cannot read WinnersRequest: it has no valid agency",
        '"WinnersRequest:"',
      ],
      [
        `Storebet:1;${JUAN}${"x".repeat(70_000)}`,
        "Cannot read packet: it has no known type",
        `"Storebet:1;${JUAN.slice(0, 29)}…"`,
      ],
      [
        "a\nb\rc\0\ufeff",
        "Cannot read packet: it has no known type",
        '"a\\nb\\rc\\u0000\\ufeff"',
      ],
    ];
    for (const [line, message, sent] of table) {
      const error = refusal(line);
      assertInstanceOf(error, PacketError);
      assertEquals([error.message, error.sent], [message, sent]);
    }
  },
);

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

Deno.test(
  "decodeStoreResponse() accepts both answers and no other",
  { permissions: "none" },
  () => {
    assertEquals(decodeStoreResponse(utf8("StoreResponse:0")), STORED);
    assertEquals(decodeStoreResponse(utf8("StoreResponse:1")), REFUSED);
    const bad = ["", "StoreResponse", "StoreResponse:", "StoreResponse:2", "StoreResponse:00"];
    bad.push("StoreResponse:0 ", "StoreResponse:0\r", "StoreResponse:0\n", "storeresponse:0");
    bad.push("WinnersResponse:0", " StoreResponse:0", "StoreResponse:-0", "\ufeffStoreResponse:0");
    for (const line of bad) {
      assertThrows(
        () => decodeStoreResponse(utf8(line)),
        PacketError,
        "is not a valid StoreResponse",
        line,
      );
    }
  },
);

Deno.test("decodeProgressResponse() accepts only a count", {
  permissions: "none",
}, () => {
  for (const count of [0, 1, 26936, 999_999_999_999_999]) {
    const answer = encodeProgressResponse(count);
    assertEquals(decodeProgressResponse(answer.subarray(0, -1)), count);
  }
  const bad = [
    "ProgressResponse:",
    "ProgressResponse:-1",
    "ProgressResponse:1.5",
    "StoreResponse:1",
  ];
  bad.push("ProgressResponse:1e3", "ProgressResponse:9999999999999999", "ProgressResponse:0x10");
  for (const line of bad) assertThrows(() => decodeProgressResponse(utf8(line)), PacketError);
});

Deno.test("decodeWinnersResponse() returns the documents in order", {
  permissions: "none",
}, () => {
  const documents = (line: string) => decodeWinnersResponse(utf8(line));
  assertEquals(documents("WinnersResponse:34054835;38955439"), ["34054835", "38955439"]);
  assertEquals(documents("WinnersResponse:34054835"), ["34054835"]);
  assertEquals(documents("WinnersResponse:"), []);
  assertEquals(documents("WinnersResponse:\ufeffñ 1"), ["\ufeffñ 1"]);
  const many = Array.from({ length: 200_000 }, (_, index) => String(10_000_000 + index));
  assertEquals(documents(`WinnersResponse:${many.join(";")}`), many);
  for (const line of ["WinnersResponse", "WinnersResponse:1:2", "StoreResponse:1", ""]) {
    assertThrows(() => documents(line), PacketError, "is not a valid WinnersResponse");
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

Deno.test("decodeDigestResponse() reads what encodeDigestResponse() writes, and nothing else", {
  permissions: "none",
}, () => {
  const sha256 = "0123456789abcdef".repeat(4);
  for (const bets of [0, 1, 26_936, 999_999_999_999_999]) {
    const answer = encodeDigestResponse({ bets, sha256 });
    assertEquals(textOf(answer), `DigestResponse:${bets};${sha256}\n`);
    assertEquals(decodeDigestResponse(answer.subarray(0, -1)), { bets, sha256 });
  }
  const invalid = ["DigestResponse:1", `DigestResponse:;${sha256}`, `DigestResponse:-1;${sha256}`];
  invalid.push(`DigestResponse:1;${sha256.toUpperCase()}`, `DigestResponse:1;${sha256}0`);
  invalid.push(`DigestResponse:1;${sha256};1`, `ProgressResponse:1;${sha256}`);
  for (const line of invalid) {
    assertThrows(() => decodeDigestResponse(utf8(line)), PacketError, "is not a valid", line);
  }
});
