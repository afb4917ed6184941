import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { PacketError } from "./packets.ts";
import { JUAN, refusal, utf8 } from "./testing/decoding.ts";

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
