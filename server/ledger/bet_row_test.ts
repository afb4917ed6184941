import { assertEquals, assertStringIncludes } from "@std/assert";
import { BetDecoder } from "../../shared/packets.ts";
import { ROW_BYTES_MAX, RowChecker } from "./bet_row.ts";

const RULES = { agencies: 5, today: 20261123 };
const encoder = new TextEncoder();

function faultOf(row: string | Uint8Array) {
  const bytes = typeof row === "string" ? encoder.encode(row) : row;
  // Other rows surround it, as in a file.
  const file = new Uint8Array([0x39, 0x0a, ...bytes, 0x0a, 0x39]);
  return new RowChecker(RULES).check(file, 2, 2 + bytes.length);
}

/** What remains of a fault's text without the value. */
function ruleOf(text: string): string {
  const rule = text.replace(/:? "(?:[^"\\]|\\.)*"…?/, "");
  return /^(?:is|has|contains|ends) /.test(rule) ? `it ${rule}` : rule;
}

Deno.test("RowChecker.check() accepts what servers write", () => {
  const longest = `StoreBet:5;${'"'.repeat(64)};${'"'.repeat(64)};${
    '"'.repeat(20)
  };2000-02-29;9999`;
  const packets = [
    "StoreBet:1;Juan;Perez;12345678;1980-01-01;0",
    'StoreBatch:2;a,b;c"d;1;0001-01-01;10:"",;x,;,;2026-11-23;100',
    "StoreBet:3;María José;Ñáñez 𝄞;ü;1999-12-31;7574",
    longest,
  ];
  let rowBytesMax = 0;
  for (const packet of packets) {
    const type = packet.startsWith("StoreBet:") ? "StoreBet" : "StoreBatch";
    const batch = new BetDecoder("rows").decode(type, encoder.encode(packet), RULES);
    const rows = new TextDecoder().decode(batch.bytes).split("\n").slice(0, -1);
    for (const row of rows) {
      const checker = new RowChecker(RULES);
      const bytes = encoder.encode(row);
      assertEquals(checker.check(bytes, 0, bytes.length), undefined, row);
      assertEquals(checker.agency, batch.agency);
      rowBytesMax = Math.max(rowBytesMax, bytes.length + 1);
    }
  }
  // It is the longest bet, except that its agency has one digit of four.
  assertEquals(rowBytesMax, ROW_BYTES_MAX - 3);
});

Deno.test("RowChecker.check() returns the kind of fault, the rule and the value", async (t) => {
  const name65 = "n".repeat(65);
  const cases: { row: string | Uint8Array; kind: string; says: string }[] = [
    { row: "", kind: "empty", says: "is empty" },
    { row: "1,A,B,3,2000-01-01", kind: "fields", says: "has 5 fields" },
    { row: "1,A,B,3,2000-01-01,4,5", kind: "fields", says: "has 7 fields" },
    { row: '1,"A,x",B,3,2000-01-01', kind: "fields", says: "has 5 fields" },
    // Its fields would be six if the `;` were a comma.
    { row: '1,"A;B,C",3,2000-01-01,4', kind: "fields", says: "has 5 fields" },
    { row: "0,A,B,3,2000-01-01,4", kind: "agency", says: '"0"' },
    { row: "6,A,B,3,2000-01-01,4", kind: "agency", says: '"6" is over 5' },
    { row: '6,"A,",B,3,2000-01-01,4', kind: "agency", says: '"6" is over 5' },
    { row: "01,A,B,3,2000-01-01,4", kind: "agency", says: '"01"' },
    { row: ",A,B,3,2000-01-01,4", kind: "agency", says: '""' },
    { row: "x,A,B,3,2000-01-01,4", kind: "agency", says: '"x"' },
    { row: "99999999999999999999,A,B,3,2000-01-01,4", kind: "agency", says: "is over 5" },
    { row: "1,,B,3,2000-01-01,4", kind: "first name", says: "is empty" },
    { row: `1,${name65},B,3,2000-01-01,4`, kind: "first name", says: "longer than 64" },
    { row: `1,A,${name65},3,2000-01-01,4`, kind: "last name", says: "longer than 64" },
    { row: "1,A,B;C,3,2000-01-01,4", kind: "last name", says: '"B;C" contains' },
    { row: '1,A,"B;C,D",3,2000-01-01,4', kind: "last name", says: '"B;C,D" contains a `;`' },
    { row: "1,A,B:C,3,2000-01-01,4", kind: "last name", says: "a `:`" },
    { row: "1,A\tB,C,3,2000-01-01,4", kind: "first name", says: "control character" },
    { row: "1,A\u0085B,C,3,2000-01-01,4", kind: "first name", says: "control character" },
    { row: "1,A,B,123456789012345678901,2000-01-01,4", kind: "document", says: "longer than 20" },
    { row: "1,A,B,3,2001-02-29,4", kind: "birthdate", says: '"2001-02-29"' },
    { row: "1,A,B,3,2026-11-24,4", kind: "birthdate", says: "in the future" },
    { row: "1,A,B,3,2000-01-01,10000", kind: "number", says: "over 9999" },
    { row: "1,A,B,3,2000-01-01,0007", kind: "number", says: '"0007" has leading zeros' },
    { row: '1,"A,",B,3,2000-01-01,00', kind: "number", says: '"00" has leading zeros' },
    { row: "1,A,B,3,2000-01-01,-1", kind: "number", says: '"-1"' },
    { row: "1,A,B,3,2000-01-01,", kind: "number", says: "is empty" },
    { row: "1,A,B,3,2000-01-01,4\r", kind: "line end", says: "\\r\\n" },
    { row: '1,"A",B,3,2000-01-01,4', kind: "quoting", says: "minimal quoting" },
    { row: '1,A"B,C,3,2000-01-01,4', kind: "quoting", says: "minimal quoting" },
    { row: '1,"A"B,C",C,3,2000-01-01,4', kind: "quoting", says: "minimal quoting" },
    { row: '1,"A,B,C,3,2000-01-01,4', kind: "quoting", says: "minimal quoting" },
    { row: '"1",A,B,3,2000-01-01,4', kind: "quoting", says: "minimal quoting" },
    { row: '1,A,B,3,2000-01-01,"4"', kind: "quoting", says: "minimal quoting" },
    { row: "1,A\0\0,B,3,2000-01-01,4", kind: "NUL bytes", says: "2 NUL bytes" },
    { row: new Uint8Array(300), kind: "NUL bytes", says: "300 NUL bytes" },
    { row: new Uint8Array([0x31, 0x2c, 0xff, 0x2c]), kind: "encoding", says: "not UTF-8" },
    { row: "\ufeff1,A,B,3,2000-01-01,4", kind: "agency", says: 'agency "\\ufeff1" is not' },
    { row: "1,A,B,3\u200b,2000-01-01,4x", kind: "number", says: '"4x"' },
    { row: "1,A,B,3,2000-01-01\u200b,4", kind: "birthdate", says: '"2000-01-01\\u200b"' },
    { row: "1,A,B,3,2000-01-01,4\u202e", kind: "number", says: '"4\\u202e"' },
    { row: "1\u2060,A,B", kind: "fields", says: '"1\\u2060,A,B"' },
    { row: "agency,first,last,document,birthdate,number", kind: "agency", says: '"agency"' },
  ];
  for (const { row, kind, says } of cases) {
    await t.step(`${kind}: ${typeof row === "string" ? JSON.stringify(row) : "bytes"}`, () => {
      const fault = faultOf(row);
      assertEquals(fault?.kind, kind);
      assertStringIncludes(fault?.text ?? "", says);
      assertEquals(fault?.rule, ruleOf(fault?.text ?? ""));
    });
  }
});
