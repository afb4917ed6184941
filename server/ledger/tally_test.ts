import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseRow } from "../../shared/rows.ts";
import { casesWanted, forAll, type Random } from "../../testing/random.ts";
import { DamagedRowError, Tally } from "./tally.ts";

const encoder = new TextEncoder();

/** The state of a tally, for agencies 1 to 3. */
function stateOf(tally: Tally): { size: number; counts: number[]; winners: string[] } {
  return {
    size: tally.size,
    counts: [1, 2, 3].map((agency) => tally.count(agency)),
    winners: [1, 2, 3].map((agency) => winnersOf(tally, agency)),
  };
}

/** The documents of an agency's winners, joined by `;`. */
function winnersOf(tally: Tally, agency: number): string {
  const pieces = tally.winners().get(agency) ?? [];
  return pieces.map((piece) => new TextDecoder().decode(piece)).join(";");
}

/** Lets a tally take the next bytes of a file. */
function take(tally: Tally, bytes: Uint8Array): number {
  tally.room.set(bytes);
  return tally.take(bytes.length);
}

const FILE = encoder.encode(
  "1,Ana,Paz,10,1980-01-01,7574\n" +
    '2,"Eva, la ""reina""",Rey,20,1990-05-05,7574\n' +
    '1,Zoë,"7574",",7574",1980-01-01,757\n' +
    '1,Zoë,Paz,"a,7574",1980-01-01,7574\n' +
    "3,Leo,Rey,7574,2000-02-29,17574\n" +
    "2,Leo,Rey,30,2000-02-29,574\n" +
    "2,Leo,Rey,40,2000-02-29,7574\n",
);
const EXPECTED = {
  size: FILE.length,
  counts: [3, 3, 1],
  winners: ["10;a,7574", "20;40", ""],
};

Deno.test("Tally.take() counts bets and finds winners, wherever the chunks are split", {
  permissions: "none",
}, () => {
  for (let length = 1; length <= FILE.length; length++) {
    const tally = new Tally(7574);
    let chunkEnd = 0;
    // The rest of a chunk is read again with the next one, as a file is read from `size`.
    while (chunkEnd < FILE.length) {
      chunkEnd = Math.min(chunkEnd + length, FILE.length);
      take(tally, FILE.subarray(tally.size, chunkEnd));
    }
    assertEquals(stateOf(tally), EXPECTED, `chunks of ${length} bytes`);
  }
});

Deno.test("Tally.take() counts complete rows only", { permissions: "none" }, () => {
  for (let end = 0; end <= FILE.length; end++) {
    const tally = new Tally(7574);
    const wholeSize = FILE.subarray(0, end).lastIndexOf(0x0a) + 1;
    assertEquals(take(tally, FILE.subarray(0, end)), wholeSize);
    assertEquals(tally.size, wholeSize);
  }
});

Deno.test("Tally compares the whole number to find winners", { permissions: "none" }, () => {
  for (const [winningNumber, winners] of [[0, "a"], [5, "b"], [75, "c"], [7575, "d"]] as const) {
    const tally = new Tally(winningNumber);
    const numbers = { a: 0, b: 5, c: 75, d: 7575, e: 10, f: 55, g: 575, h: 9999 };
    for (const [document, number] of Object.entries(numbers)) {
      tally.scan(encoder.encode(`1,A,B,${document},1980-01-01,${number}\n`));
    }
    assertEquals(stateOf(tally).winners[0], winners);
  }
});

Deno.test("Tally.scan() takes more bytes than its buffer holds", { permissions: "none" }, () => {
  const times = 5000;
  const file = new Uint8Array(times * FILE.length);
  for (let time = 0; time < times; time++) file.set(FILE, time * FILE.length);
  const tally = new Tally(7574);
  assert(file.length > 3 * tally.room.length);
  tally.scan(file);
  const { size, counts, winners } = stateOf(tally);
  assertEquals([size, counts], [file.length, EXPECTED.counts.map((count) => times * count)]);
  assertEquals(winners[1], Array(times).fill("20;40").join(";"));
});

Deno.test("Tally.clear() forgets everything", { permissions: "none" }, () => {
  const tally = new Tally(7574);
  tally.scan(FILE);
  tally.clear();
  assertEquals(stateOf(tally), { size: 0, counts: [0, 0, 0], winners: ["", "", ""] });
  tally.scan(FILE);
  assertEquals(stateOf(tally), EXPECTED);
});

const DAMAGED: Record<string, string> = {
  "a row without a comma": "1\n",
  "an empty row": "\n",
  "a row without an agency": ",Ana,Paz,1,1980-01-01,1\n",
  "agency 0": "0,Ana,Paz,1,1980-01-01,1\n",
  "an agency over the highest": "10000,Ana,Paz,1,1980-01-01,1\n",
  "an agency that is not a number": "x,Ana,Paz,1,1980-01-01,1\n",
  "a quoted agency": '"1",Ana,Paz,1,1980-01-01,1\n',
  "a header": "agency,first,last,document,birthdate,number\n",
  "zeros, as a power cut may leave them": "\0".repeat(300) + "\n",
  "a hole within a row, as a power cut may leave it": "1,An\0\0,1,1980-01-01,1\n",
  "a row with another program's line end": "1,Ana,Paz,1,1980-01-01,7574\r\n",
  "a row cut before its number": "1,Ana,Paz,1,1980-01-01,\n",
  "a winner with a field too few": "1,Ana,Paz,1980-01-01,7574\n",
  "a winner with a field too many": "1,Ana,Paz,1,1,1980-01-01,7574\n",
  "a winner with a lone quote": '1,"Ana,Paz,1,1980-01-01,7574\n',
};
for (const [name, row] of Object.entries(DAMAGED)) {
  Deno.test(`Tally.scan() refuses ${name}, with line and offset`, { permissions: "none" }, () => {
    const tally = new Tally(7574);
    tally.scan(encoder.encode("1,Ana,Paz,1,1980-01-01,1\n" + "2,A,B,1,1980-01-01,10\n".repeat(3)));
    const next = "1,Ana,Paz,2,1980-01-01,7574\n";
    const error = assertThrows(
      () => tally.scan(encoder.encode(`${next}${row}${next}`)),
      DamagedRowError,
      "Cannot read bets.csv: line 6, at byte 119, is not a valid bet",
    );
    assertEquals([error.line, error.offset], [6, 119]);
    assertStringIncludes(error.message, "Stop all servers and correct that line by hand");
    // The rows before it are counted, and counted once if they are scanned again.
    assertEquals(tally.size, 119);
    assertEquals(tally.count(1), 2);
  });
}

/** The same as {@linkcode Tally}, with strings and regular expressions. Nothing if a row is invalid. */
function plainTally(rows: string[], winningNumber: number) {
  const counts = new Map<string, number>();
  const winners = new Map<string, string[]>();
  for (const row of rows) {
    const agency = /^([0-9]+),[^\p{Cc}]*[0-9]$/u.exec(row)?.[1];
    if (agency === undefined || Number(agency) < 1 || Number(agency) > 9999) return undefined;
    counts.set(agency, (counts.get(agency) ?? 0) + 1);
    if (!row.endsWith(`,${winningNumber}`)) continue;
    const fields = parseRow(encoder.encode(row));
    if (fields.length !== 6) return undefined;
    winners.set(agency, [...winners.get(agency) ?? [], fields[3]]);
  }
  return { counts, winners };
}

Deno.test("Tally agrees with the plain model, on valid rows and invalid ones", {
  permissions: "none",
}, () => {
  let good = 0;
  const cases = casesWanted(5000);
  forAll({ cases }, (random) => {
    const winningNumber = random.pick([0, 7, 75, 757, 7574]);
    const rows = Array.from({ length: random.below(12) }, () => wildRow(random, winningNumber));
    const expected = plainTally(rows, winningNumber);
    const tally = new Tally(winningNumber);
    const scan = () => tally.scan(encoder.encode(rows.map((row) => `${row}\n`).join("")));
    if (expected === undefined) return void assertThrows(scan, DamagedRowError);
    good++;
    scan();
    for (const [agency, count] of expected.counts) assertEquals(tally.count(Number(agency)), count);
    for (const agency of expected.counts.keys()) {
      assertEquals(
        winnersOf(tally, Number(agency)),
        (expected.winners.get(agency) ?? []).join(";"),
      );
    }
  });
  assert(good > cases / 5 && good < cases * 4 / 5, `${good} of ${cases} are good`);
});

/** A row, usually valid, of any length, that wins now and then. */
function wildRow(random: Random, winningNumber: number): string {
  const text = () => random.pick(["a", "ñandú", '"x,7574"', "7574", "€".repeat(random.below(22))]);
  const agency = random.once(40) ? random.pick(["", "0", "10000", "x"]) : 1 + random.below(9999);
  const number = random.once(3) ? winningNumber : random.below(10_000);
  const fields = [agency, text(), text(), text(), "1980-01-01", number];
  if (random.once(40)) fields.splice(random.below(6), 1);
  const row = fields.join(",");
  const at = random.below(row.length + 1);
  const spoiled = `${row.slice(0, at)}${random.pick(["\0", "\r", "\x1f", ""])}${row.slice(at)}`;
  return random.once(20) ? spoiled : row;
}
