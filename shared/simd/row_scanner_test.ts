import { assert, assertEquals } from "@std/assert";
import { casesWanted, forAll, type Random } from "../../testing/random.ts";
import { RowScanner } from "./row_scanner.ts";

const CAPACITY = 4096;
const utf8 = (text: string) => new TextEncoder().encode(text);

/** What a scan must find, by strings and regular expressions. */
function plainScan(rows: string[], winningNumber: number) {
  const counts = new Map<number, number>();
  const tail = `,${winningNumber}`.slice(-4);
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const agency = Number(/^(\d{1,4}),/.exec(row)?.[1] ?? 0);
    // deno-lint-ignore no-control-regex
    const isValid = agency > 0 && !/[\0-\x1f]/.test(row) && /[0-9]$/.test(row);
    const mayWin = isValid && row.endsWith(tail);
    if (!isValid || mayWin) {
      return { rows: index, bytes, winnerBytes: mayWin ? utf8(row).length : 0, counts };
    }
    counts.set(agency, (counts.get(agency) ?? 0) + 1);
    bytes += utf8(row).length + 1;
  }
  return { rows: rows.length, bytes, winnerBytes: 0, counts };
}

function wildRow(random: Random, winningNumber: number): string {
  const agency = random.once(15)
    ? random.pick(["", "0", "00", "0000", "10000", "00001", "x", "-1", "1x"])
    : random.pick(["1", "2", "12", "0012", "9999", String(1 + random.below(9999))]);
  const number = random.once(8) ? winningNumber : random.below(10_000);
  const row = `${agency},${"ñ".repeat(random.below(40))},x,${random.below(99)},${number}`;
  const at = random.below(row.length + 1);
  const odd = random.pick(["\0", "\r", "\x1f", " ", "\x7f", ","]);
  return random.once(15) ? row.slice(0, at) + odd + row.slice(at) : row;
}

Deno.test("RowScanner.scan() counts rows up to the first that may win or is invalid", {
  permissions: "none",
}, () => {
  let whole = 0;
  const cases = casesWanted(10_000);
  forAll({ cases }, (random) => {
    const winningNumber = random.pick([0, 7, 75, 757, 7574]);
    const rows = Array.from({ length: random.below(12) }, () => wildRow(random, winningNumber));
    const scanner = new RowScanner({ winningNumber, inputBytesMax: CAPACITY });
    // Neither what precedes the rows nor what follows them matters.
    scanner.input.set(utf8(random.pick(["7574", "\n", ",757", "1,"])));
    const text = utf8(rows.map((row) => `${row}\n`).join(""));
    scanner.input.set(text, 4);
    scanner.input.set(utf8("1,A,B,1,1980-01-01,1\n"), 4 + text.length);
    const { counts, ...expected } = plainScan(rows, winningNumber);
    assertEquals(scanner.scan(4, 4 + text.length), expected);
    for (const [agency, count] of counts) assertEquals(scanner.counts[agency], count);
    assertEquals(scanner.counts.reduce((sum, count) => sum + count, 0), expected.rows);
    if (expected.rows === rows.length) whole++;
  });
  assert(whole > cases / 10 && whole < cases * 9 / 10, `${whole} of ${cases} scanned whole`);
});
