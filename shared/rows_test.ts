import { assertEquals } from "@std/assert";
import { parse, stringify } from "@std/csv";
import { BetDecoder } from "./packets.ts";
import { parseRow } from "./rows.ts";
import { Random } from "../testing/random.ts";

const RULES = { agencies: 5, today: 20261123 };
const decoder = new BetDecoder("rows");

/** Decodes a Store packet and returns its rows of bets.csv. */
function rows(packet: string): string {
  const type = packet.startsWith("StoreBet:") ? "StoreBet" : "StoreBatch";
  const { bytes } = decoder.decode(type, new TextEncoder().encode(packet), RULES);
  return new TextDecoder().decode(bytes);
}

Deno.test("BetDecoder.decode() writes a row for each bet", { permissions: "none" }, () => {
  assertEquals(
    rows("StoreBatch:2;Ana;Paz;1;1980-01-01;7574:Zoë;de la Paz;2;1999-12-31;0"),
    "2,Ana,Paz,1,1980-01-01,7574\n2,Zoë,de la Paz,2,1999-12-31,0\n",
  );
});

Deno.test("BetDecoder.decode() writes rows without leading zeros in numbers", {
  permissions: "none",
}, () => {
  for (
    const [sent, written] of [
      ["0", "0"],
      ["0000", "0"],
      ["7", "7"],
      ["007", "7"],
      ["10", "10"],
      ["100", "100"],
      ["909", "909"],
      ["1000", "1000"],
      ["0075", "75"],
      ["9999", "9999"],
    ]
  ) {
    assertEquals(rows(`StoreBet:1;A;B;1;1980-01-01;${sent}`), `1,A,B,1,1980-01-01,${written}\n`);
  }
});

Deno.test("BetDecoder.decode() quotes only the fields of a row that need it", {
  permissions: "none",
}, () => {
  assertEquals(
    rows('StoreBatch:1;Ana;Paz;1;1980-01-01;1:An"a;P,az;",";1980-01-01;2:Eva;Rey;3;1980-01-01;3'),
    '1,Ana,Paz,1,1980-01-01,1\n1,"An""a","P,az",""",""",1980-01-01,2\n1,Eva,Rey,3,1980-01-01,3\n',
  );
});

/** Characters of every length in UTF-8, and those that CSV treats specially. */
const LETTERS = ["a", "Z", " ", ",", '"', "'", "ñ", "€", "😀", "7574", "\\", "%", "|", "="];

Deno.test("BetDecoder.decode() writes rows as @std/csv does, and parseRow() reads them", {
  permissions: "none",
}, () => {
  const random = new Random(7574);
  const below = (count: number) => random.below(count);
  const text = (bytesMax: number) => {
    let made = LETTERS[below(LETTERS.length)];
    while (below(6) > 0) {
      const longer = made + LETTERS[below(LETTERS.length)];
      if (new TextEncoder().encode(longer).length > bytesMax) break;
      made = longer;
    }
    return made;
  };
  for (let time = 0; time < 1000; time++) {
    const bets = Array.from(
      { length: 1 + below(4) },
      () => [text(64), text(64), text(20), "1980-01-01", String(below(10_000))],
    );
    const written = rows(`StoreBatch:3;${bets.map((bet) => bet.join(";")).join(":")}`);
    const expected = bets.map((bet) => ["3", ...bet]);
    assertEquals(parse(written), expected);
    const lines = written.split("\n").slice(0, -1);
    assertEquals(lines.map((line) => parseRow(new TextEncoder().encode(line))), expected);
    // @std/csv also quotes fields that begin or end with a space. Minimal quoting does not.
    if (!/(^|,) | (,|$)/m.test(written)) {
      assertEquals(stringify(expected, { headers: false }).replaceAll("\r\n", "\n"), written);
    }
  }
});

Deno.test("BetDecoder.decode() has room for rows that consist of quotes", {
  permissions: "none",
}, () => {
  const bet = `${'"'.repeat(64)};${'"'.repeat(64)};${'"'.repeat(20)};1980-01-01;9999`;
  const written = rows(`StoreBatch:5;${Array(50).fill(bet).join(":")}`);
  assertEquals(parse(written), Array(50).fill(["5", ...bet.split(";")]));
});

Deno.test("parseRow() returns fewer fields for malformed CSV", { permissions: "none" }, () => {
  for (const row of ['1,"Ana,Paz,1,1980-01-01,1', '1,A"na,Paz,1,1980-01-01,1', "", "1,Ana"]) {
    assertEquals(parseRow(new TextEncoder().encode(row)).length < 6, true, row);
  }
});
