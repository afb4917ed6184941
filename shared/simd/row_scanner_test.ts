import { assert, assertEquals } from "@std/assert";
import { casesWanted, forAll, type Random } from "../../testing/random.ts";
import { RowScanner } from "./row_scanner.ts";

const CAPACITY = 4096;
const utf8 = (text: string) => new TextEncoder().encode(text);

/** What the list of a scan says: the documents of an agency, or a row that was not looked into. */
type Entry = { agency: number; documents: string } | { row: string };

/** What a scan must find, by strings and regular expressions. */
function plainScan(rows: string[], winningNumber: number) {
  const counts = new Map<number, number>();
  const list: Entry[] = [];
  const tail = `,${winningNumber}`.slice(-4);
  let bytes = 0;
  for (const [index, row] of rows.entries()) {
    const agency = Number(/^(\d{1,4}),/.exec(row)?.[1] ?? 0);
    // deno-lint-ignore no-control-regex
    const isValid = agency > 0 && !/[\0-\x1f]/.test(row) && /[0-9]$/.test(row);
    if (!isValid) return { rows: index, bytes, counts, list };
    if (row.endsWith(tail)) addWinner(list, agency, row, winningNumber);
    counts.set(agency, (counts.get(agency) ?? 0) + 1);
    bytes += utf8(row).length + 1;
  }
  return { rows: rows.length, bytes, counts, list };
}

function addWinner(list: Entry[], agency: number, row: string, winningNumber: number): void {
  const [, document] = /^(?:[^",]*,){3}([^",]*),[^",]{10},([^",]*)$/.exec(row) ?? [];
  const isCommon = document !== undefined && document.length <= 20 &&
    row.endsWith(`,${winningNumber}`);
  if (!isCommon) return void list.push({ row });
  const last = list.at(-1);
  if (last === undefined || "row" in last || last.agency !== agency) {
    list.push({ agency, documents: `${document};` });
  } else last.documents += `${document};`;
}

/** The list of a scan. */
function listOf({ list, documents, input }: RowScanner, listed: number): Entry[] {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return Array.from({ length: listed }, (_, at) => {
    const [agency, from, to] = list.subarray(3 * at, 3 * at + 3);
    return agency === 0
      ? { row: text(input.subarray(from, to)) }
      : { agency, documents: text(documents.subarray(from, to)) };
  });
}

function wildRow(random: Random, winningNumber: number): string {
  const agency = random.once(15)
    ? random.pick(["", "0", "00", "0000", "10000", "00001", "x", "-1", "1x"])
    : random.pick(["1", "2", "12", "0012", "9999", String(1 + random.below(9999))]);
  const number = random.once(3) ? winningNumber : random.below(10_000);
  const name = random.pick(["", '"a,b"', "x,y"]) + "ñ".repeat(random.below(40));
  const document = "7".repeat(random.once(8) ? random.below(40) : 1 + random.below(20));
  const birthdate = random.once(8) ? "1980,01-01" : "1980-01-01";
  const row = `${agency},${name},x,${document},${birthdate},${number}`;
  const at = random.below(row.length + 1);
  const odd = random.pick(["\0", "\r", "\x1f", " ", "\x7f", ",", '"', "7"]);
  return random.once(15) ? row.slice(0, at) + odd + row.slice(at) : row;
}

Deno.test(
  "RowScanner.scan() counts rows up to the first invalid one, and lists the winners",
  {
    permissions: "none",
  },
  () => {
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
      const { counts, list, ...expected } = plainScan(rows, winningNumber);
      const { listed, ...found } = scanner.scan(4, 4 + text.length);
      assertEquals(found, expected);
      assertEquals(listOf(scanner, listed), list);
      for (const [agency, count] of counts) assertEquals(scanner.counts[agency], count);
      assertEquals(scanner.counts.reduce((sum, count) => sum + count, 0), expected.rows);
      if (expected.rows === rows.length) whole++;
    });
    assert(whole > cases / 10 && whole < cases * 9 / 10, `${whole} of ${cases} scanned whole`);
  },
);
