import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BET_FIELDS,
  type BetFault,
  BetScanner,
  dayNumber,
  describeFault,
  describeRule,
  FAULT_VALUE_CHARS_MAX,
} from "./bet.ts";
import { casesWanted, forAll, type Random } from "../testing/random.ts";
import { plainBet, plainText } from "./testing/plain_model.ts";
import { goodBet, mutate, wildFields } from "./testing/wild_bets.ts";

const TODAY = 20261123;
const TODAY_TEXT = "2026-11-23";
const utf8 = (text: string) => new TextEncoder().encode(text);

/** Returns a valid bet as bytes, with one field replaced by `bytes`. */
function betWith(field: (typeof BET_FIELDS)[number], bytes: Uint8Array): Uint8Array {
  const fields = ["Juan", "Perez", "12345678", "1980-01-01", "1234"].map((text) => [...utf8(text)]);
  fields[BET_FIELDS.indexOf(field)] = [...bytes];
  return Uint8Array.from(
    fields.flatMap((field, index) => [...(index === 0 ? [] : utf8(";")), ...field]),
  );
}

function scanPacketBet(bytes: Uint8Array): BetFault | undefined {
  return new BetScanner(";", ":").scan(bytes, 0, bytes.length, TODAY);
}

/** Returns the fields of the last scan: text, and the number as it is stored. */
function fieldsOf(scanner: BetScanner, bytes: Uint8Array, from: number): (string | number)[] {
  const starts = [from, scanner.ends[0] + 1, scanner.ends[1] + 1, scanner.ends[2] + 1];
  const texts = starts.map((start, index) => plainText(bytes.subarray(start, scanner.ends[index])));
  return [...texts.map(String), scanner.number];
}

Deno.test("BetScanner.scan() finds the fields of a packet's bet", { permissions: "none" }, () => {
  const scanner = new BetScanner(";", ":");
  const bytes = utf8("Juan;Perez;12345678;1980-01-01;1234:Maria;Gómez;87654321;1999-10-25;0042");
  assertEquals(scanner.scan(bytes, 0, bytes.length, TODAY), undefined);
  assertEquals(fieldsOf(scanner, bytes, 0), ["Juan", "Perez", "12345678", "1980-01-01", 1234]);
  assertEquals(bytes[scanner.end], 0x3a);

  const second = scanner.end + 1;
  assertEquals(scanner.scan(bytes, second, bytes.length, TODAY), undefined);
  assertEquals(fieldsOf(scanner, bytes, second), ["Maria", "Gómez", "87654321", "1999-10-25", 42]);
  assertEquals(scanner.end, bytes.length);
});

Deno.test("BetScanner.scan() finds the fields of a row of the dataset", {
  permissions: "none",
}, () => {
  const scanner = new BetScanner(",");
  const bytes = utf8("Tiago Nicolás,Rivera,34407251,2001-08-29,1033");
  assertEquals(scanner.scan(bytes, 0, bytes.length, TODAY), undefined);
  assertEquals(fieldsOf(scanner, bytes, 0), [
    "Tiago Nicolás",
    "Rivera",
    "34407251",
    "2001-08-29",
    1033,
  ]);
  assertEquals(scanner.end, bytes.length);
});

Deno.test("BetScanner.scan() rejects a row with characters that a packet cannot carry", {
  permissions: "none",
}, () => {
  for (const name of ["Ju;an", "Ju:an", "Ju\tan", "Ju\u2028an", "Juan\r"]) {
    const bytes = utf8(`${name},Perez,1,1980-01-01,1234`);
    assertEquals(
      new BetScanner(",").scan(bytes, 0, bytes.length, TODAY)?.field,
      "first name",
      name,
    );
  }
  const carriageReturn = utf8("Juan,Perez,1,1980-01-01,1234\r");
  const scanner = new BetScanner(",");
  assertEquals(scanner.scan(carriageReturn, 0, carriageReturn.length, TODAY)?.field, "number");
});

Deno.test("BetScanner.scan() ignores bytes outside its range", {
  permissions: "none",
}, () => {
  const scanner = new BetScanner(";", ":");
  const bytes = utf8("\0;Juan;Perez;1;1980-01-01;1234\n99;x");
  assertEquals(scanner.scan(bytes, 2, bytes.length - 5, TODAY), undefined);
  assertEquals(scanner.number, 1234);
  assertEquals(scanner.end, bytes.length - 5);
  // It does not complete a character, a date or a number with bytes after the range.
  for (const character of ["é", "€", "😀"]) {
    const cut = utf8(`Juan;Perez;${character};1980-01-01;1`);
    for (let to = 12; cut[to] !== 0x3b; to++) {
      assertStringIncludes(scanner.scan(cut, 0, to, TODAY)?.reason ?? "", "is not UTF-8");
    }
  }
  const whole = utf8("Juan;Perez;1;1980-01-01;1");
  for (let to = 0; to < whole.length; to++) {
    const field = to < 5 ? 0 : to < 11 ? 1 : to < 13 ? 2 : to < 24 ? 3 : 4;
    assertEquals(scanner.scan(whole, 0, to, TODAY)?.field, BET_FIELDS[field], `cut at ${to}`);
  }
});

Deno.test("BetScanner.needsQuotes is true only for a bet with a comma or a quote in a text", {
  permissions: "none",
}, () => {
  const scanner = new BetScanner(";", ":");
  const table: [string, boolean][] = [
    ["Juan;Perez, hijo;1;1980-01-01;1", true],
    ["Juan;Perez;1;1980-01-01;1", false],
    ['J"uan;Perez;1;1980-01-01;1', true],
    ["Juan;Perez;1,2;1980-01-01;1", true],
    ["Ju'an;Pe rez;1|2;1980-01-01;1", false],
  ];
  for (const [text, expected] of table) {
    const bytes = utf8(text);
    assertEquals(scanner.scan(bytes, 0, bytes.length, TODAY), undefined);
    assertEquals(scanner.needsQuotes, expected, text);
  }
});

Deno.test("BetScanner.scan() enforces the rules of text fields", {
  permissions: "none",
}, async (t) => {
  const limits = [["first name", 64], ["last name", 64], ["document", 20]] as const;
  for (const [field, bytesMax] of limits) {
    const table: { name: string; bytes: Uint8Array; reason?: string }[] = [
      { name: "one byte", bytes: utf8("J") },
      { name: "exactly the limit", bytes: utf8("J".repeat(bytesMax)) },
      { name: "the limit, in characters of two bytes", bytes: utf8("ñ".repeat(bytesMax / 2)) },
      { name: "the limit, in characters of four bytes", bytes: utf8("😀".repeat(bytesMax / 4)) },
      { name: "a space, a no-break space, a BOM", bytes: utf8(" \u00a0\ufeff") },
      { name: "the neighbors of line separators", bytes: utf8("\u2027\u202a\u2068\u20a8") },
      { name: "the neighbors of surrogates", bytes: utf8("\ud7ff\ue000") },
      { name: "the first and last of each length", bytes: utf8("~ ߿ࠀ\uffff\u{10000}\u{10ffff}") },
      { name: "empty", bytes: utf8(""), reason: "is empty" },
      {
        name: "one byte too long",
        bytes: utf8("J".repeat(bytesMax + 1)),
        reason: `is longer than ${bytesMax} bytes`,
      },
      {
        name: "one byte too long with fewer characters than the limit",
        bytes: utf8("ñ".repeat(bytesMax / 2) + "J"),
        reason: `is longer than ${bytesMax} bytes`,
      },
      ...[0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x1f, 0x7f].map((byte) => ({
        name: `control character ${byte.toString(16)}`,
        bytes: Uint8Array.of(0x4a, byte, 0x4a),
        reason: "control character",
      })),
      ...["\x80", "\x85", "\x9f", "\u2028", "\u2029"].map((character) => ({
        name: `U+${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
        bytes: utf8(`J${character}J`),
        reason: "control character",
      })),
      ...Object.entries({
        "a continuation alone": [0x80],
        "an overlong of two bytes": [0xc0, 0xaf],
        "another overlong of two bytes": [0xc1, 0xbf],
        "an overlong of three bytes": [0xe0, 0x9f, 0xbf],
        "an overlong of four bytes": [0xf0, 0x8f, 0xbf, 0xbf],
        "the first surrogate": [0xed, 0xa0, 0x80],
        "the last surrogate": [0xed, 0xbf, 0xbf],
        "a code point after the last": [0xf4, 0x90, 0x80, 0x80],
        "a lead byte that does not exist": [0xf5, 0x80, 0x80, 0x80],
        "the byte ff": [0xff],
        "two bytes cut after one": [0xc3],
        "three bytes cut after two": [0xe2, 0x82],
        "four bytes cut after three": [0xf0, 0x9f, 0x98],
        "two bytes with the second wrong": [0xc3, 0x41],
        "three bytes with the third wrong": [0xe2, 0x82, 0xc3],
        "four bytes with the fourth wrong": [0xf0, 0x9f, 0x98, 0x41],
        "Latin-1": [0xf1],
      }).map(([name, bytes]) => ({
        name,
        bytes: Uint8Array.of(0x4a, ...bytes),
        reason: "is not UTF-8",
      })),
    ];
    for (const { name, bytes, reason } of table) {
      await t.step(`${field}: ${name}`, () => {
        const fault = scanPacketBet(betWith(field, bytes));
        assertEquals(fault?.field, reason === undefined ? undefined : field);
        assertStringIncludes(fault?.reason ?? "", reason ?? "");
      });
    }
  }
});

Deno.test("BetScanner.scan() accepts only birthdates of the calendar", {
  permissions: "none",
}, async (t) => {
  const good = [
    "1980-01-01",
    "2000-02-29",
    "2024-02-29",
    "1999-12-31",
    "2023-02-28",
    "0001-01-01",
  ];
  good.push("2023-04-30", "2023-01-31", TODAY_TEXT);
  for (const date of good) {
    await t.step(`${date} is valid`, () => {
      assertEquals(scanPacketBet(betWith("birthdate", utf8(date))), undefined);
    });
  }
  const future = ["2026-11-24", "2026-12-01", "2027-01-01", "9999-12-31"];
  for (const date of future) {
    await t.step(`${date} is in the future`, () => {
      const fault = scanPacketBet(betWith("birthdate", utf8(date)));
      assertEquals(fault, { field: "birthdate", reason: "is in the future", value: date });
    });
  }
  const none = [
    "2023-02-29",
    "1900-02-29",
    "2100-02-29",
    "2023-04-31",
    "2023-06-31",
    "2023-09-31",
  ];
  none.push("2023-11-31", "2023-01-32", "2023-13-01", "2023-00-10", "2023-01-00", "0000-01-01");
  none.push(
    "",
    "1980-1-01",
    "1980-01-1",
    "980-01-01",
    "01980-01-01",
    "1980-01-011",
    "1980/01/01",
  );
  none.push("1980-01/01", "01-01-1980", "19800101", "1980-01-0a", "a980-01-01", "19-0-01-01");
  none.push("1980-01-01T", "-980-01-01", "+980-01-01", "1980--1-01", "198 -01-01", "１980-01-01");
  for (const date of none) {
    await t.step(`${JSON.stringify(date)} is invalid`, () => {
      const fault = scanPacketBet(betWith("birthdate", utf8(date)));
      assertEquals(fault?.field, "birthdate");
      assertEquals(fault?.value, date);
      assertStringIncludes(fault?.reason ?? "", "YYYY-MM-DD");
    });
  }
});

Deno.test("BetScanner.scan() accepts exactly the days that Date accepts", {
  permissions: "none",
}, () => {
  const two = (value: number) => String(value).padStart(2, "0");
  for (const year of [1, 4, 100, 400, 1896, 1900, 1904, 1999, 2000, 2004, 2023, 2024]) {
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) {
        const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
        const isGood = plainBet(["a", "b", "c", date, "1"], TODAY_TEXT) !== undefined;
        assertEquals(scanPacketBet(betWith("birthdate", utf8(date))) === undefined, isGood, date);
      }
    }
  }
});

Deno.test("BetScanner.scan() accepts only numbers from 0 to 9999", {
  permissions: "none",
}, async (t) => {
  const good: [string, number][] = [["0", 0], ["1", 1], ["9999", 9999], ["0042", 42], [
    "0000",
    0,
  ]];
  good.push(["0".repeat(1000) + "7", 7]);
  for (const [text, number] of good) {
    await t.step(`${text.slice(-8)} is ${number}`, () => {
      const scanner = new BetScanner(";", ":");
      const bytes = betWith("number", utf8(text));
      assertEquals(scanner.scan(bytes, 0, bytes.length, TODAY), undefined);
      assertEquals(scanner.number, number);
    });
  }
  const bad = ["", "10000", "99999999999999999999", "-1", "+5", "1e3", "1.0", " 1", "1 ", "0x1F"];
  bad.push("١", "１", "12a4", "1;", "1;2", "1\r", "\0");
  for (const text of bad) {
    await t.step(`${JSON.stringify(text)} is invalid`, () => {
      assertEquals(scanPacketBet(betWith("number", utf8(text)))?.field, "number");
    });
  }
});

Deno.test("BetScanner.scan() names the field where one is missing or too many", {
  permissions: "none",
}, () => {
  const fieldAt = (text: string) => scanPacketBet(utf8(text))?.field;
  assertEquals(fieldAt(""), "first name");
  assertEquals(fieldAt("Juan"), "first name");
  assertEquals(fieldAt("Juan;Perez"), "last name");
  assertEquals(fieldAt("Juan;Perez;1"), "document");
  assertEquals(fieldAt("Juan;Perez;1;1980-01-01"), "birthdate");
  assertEquals(fieldAt("Juan;Perez;1;1980-01-01;"), "number");
  assertEquals(fieldAt("Juan;Perez;1;1980-01-01;1;"), "number");
  assertEquals(fieldAt("Juan;Carlos;Perez;1;1980-01-01;1"), "birthdate");
});

Deno.test("BetScanner.scan() cuts a long value in its fault", { permissions: "none" }, () => {
  for (const character of ["x", "ñ", "€", "😀", "\xff"]) {
    const bytes = character === "\xff"
      ? new Uint8Array(5000).fill(0xff)
      : utf8(character.repeat(5000));
    const fault = scanPacketBet(betWith("last name", bytes));
    assertEquals(fault?.value.length, FAULT_VALUE_CHARS_MAX + 1);
    assert(fault?.value.endsWith("…"));
  }
  const whole = scanPacketBet(betWith("last name", utf8("x".repeat(FAULT_VALUE_CHARS_MAX))));
  assertEquals(whole?.value, "x".repeat(FAULT_VALUE_CHARS_MAX));
});

Deno.test("describeFault() escapes the value so that it cannot break a line", {
  permissions: "none",
}, () => {
  assertEquals(
    describeFault(scanPacketBet(betWith("number", utf8("10000")))!),
    'number "10000" is over 9999',
  );
  assertEquals(
    describeFault({ field: "document", reason: "is bad", value: '1"\n2' }),
    'document "1\\"\\n2" is bad',
  );
  assertEquals(
    describeFault({ field: "first name", reason: "is bad", value: "A\u202en\u200ba" }),
    'first name "A\\u202en\\u200ba" is bad',
  );
  assertEquals(
    describeFault({ field: "number", reason: "is bad", value: "\u00a07" }),
    'number "\\u00a07" is bad',
  );
});

Deno.test("describeRule() leaves the value out", { permissions: "none" }, () => {
  const fault = { field: "document", reason: "is bad", value: "30904465" } as const;
  assertEquals(describeRule(fault), "document is bad");
});

Deno.test("dayNumber() returns the day in UTC, in calendar order", { permissions: "none" }, () => {
  assertEquals(dayNumber(Date.UTC(2026, 10, 23)), 20261123);
  assertEquals(dayNumber(Date.UTC(2026, 10, 23, 23, 59, 59, 999)), 20261123);
  assertEquals(dayNumber(Date.UTC(2026, 11, 31)), 20261231);
  assertEquals(dayNumber(Date.UTC(2026, 11, 31) + 86_400_000), 20270101);
  assertEquals(dayNumber(0), 19700101);
});

Deno.test("BetScanner.scan() accepts exactly the packets' bets that the plain model accepts", {
  permissions: "none",
}, () => {
  let good = 0;
  const cases = casesWanted(30_000);
  forAll({ cases }, (random) => {
    if (agree(random, ";", ":")) good++;
  });
  // Valid bets alone, or invalid ones alone, would prove little.
  assert(good > cases / 5 && good < cases * 4 / 5, `${good} of ${cases} are valid`);
});

Deno.test("BetScanner.scan() accepts exactly the rows that the plain model accepts", {
  permissions: "none",
}, () => {
  let good = 0;
  const cases = casesWanted(10_000);
  forAll({ cases }, (random) => {
    if (agree(random, ",", "")) good++;
  });
  // Valid bets alone, or invalid ones alone, would prove little.
  assert(good > cases / 5 && good < cases * 4 / 5, `${good} of ${cases} are valid`);
});

/**
 * Scans a random bet, compares the result with the plain model's, and returns whether it is valid.
 */
function agree(random: Random, separator: ";" | ",", terminator: ":" | ""): boolean {
  const scanner = new BetScanner(separator, terminator);
  const fields = random.once(3) ? Object.values(goodBet(random)).map(String) : wildFields(random);
  const bet = mutate(random, utf8(fields.join(separator)));
  const before = random.below(3);
  const bytes = Uint8Array.from([...utf8("x;y").subarray(0, before), ...bet]);
  const fault = scanner.scan(bytes, before, bytes.length, TODAY);

  // The terminator ends the bet. Bytes after it belong to another.
  const end = terminator === "" ? -1 : bet.indexOf(terminator.charCodeAt(0));
  const ownText = plainText(end < 0 ? bet : bet.subarray(0, end));
  const expected = ownText === undefined
    ? undefined
    : plainBet(ownText.split(separator), TODAY_TEXT);
  const shown = JSON.stringify(new TextDecoder().decode(bet));
  assertEquals(fault === undefined, expected !== undefined, `${shown}: ${JSON.stringify(fault)}`);
  if (expected === undefined) return false;
  assertEquals(fieldsOf(scanner, bytes, before), Object.values(expected), shown);
  assertEquals(scanner.end - before, end < 0 ? bet.length : end, shown);
  const texts = expected.firstName + expected.lastName + expected.document;
  assertEquals(scanner.needsQuotes, /[,"]/.test(texts), shown);
  return true;
}
