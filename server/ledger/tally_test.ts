import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DamagedRowError, Tally } from "./tally.ts";

const encoder = new TextEncoder();

/** What a tally knows of agencies 1 to 3. */
function known(tally: Tally): { size: number; counts: number[]; winners: string[] } {
  return {
    size: tally.size,
    counts: [1, 2, 3].map((agency) => tally.count(agency)),
    winners: [1, 2, 3].map((agency) => new TextDecoder().decode(tally.winners(agency))),
  };
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

Deno.test("Tally.scan() counts bets and finds winners, wherever the chunks are split", {
  permissions: "none",
}, () => {
  for (let length = 1; length <= FILE.length; length++) {
    const tally = new Tally(7574);
    let chunkEnd = 0;
    // What is left of a chunk comes again with the next, as a file is read on from `size`.
    while (chunkEnd < FILE.length) {
      chunkEnd = Math.min(chunkEnd + length, FILE.length);
      tally.scan(FILE.subarray(tally.size, chunkEnd));
    }
    assertEquals(known(tally), EXPECTED, `chunks of ${length} bytes`);
  }
});

Deno.test("Tally.scan() takes whole rows only", { permissions: "none" }, () => {
  for (let end = 0; end <= FILE.length; end++) {
    const tally = new Tally(7574);
    const wholeSize = FILE.subarray(0, end).lastIndexOf(0x0a) + 1;
    assertEquals(tally.scan(FILE.subarray(0, end)), wholeSize);
    assertEquals(tally.size, wholeSize);
  }
});

Deno.test("Tally finds winners of any number by the whole number", { permissions: "none" }, () => {
  for (const [winningNumber, winners] of [[0, "a"], [5, "b"], [75, "c"], [7575, "d"]] as const) {
    const tally = new Tally(winningNumber);
    const numbers = { a: 0, b: 5, c: 75, d: 7575, e: 10, f: 55, g: 575, h: 9999 };
    for (const [document, number] of Object.entries(numbers)) {
      tally.scan(encoder.encode(`1,A,B,${document},1980-01-01,${number}\n`));
    }
    assertEquals(known(tally).winners[0], winners);
  }
});

Deno.test("Tally knows the same of rows that were added as of rows that were scanned", {
  permissions: "none",
}, () => {
  const tally = new Tally(7574);
  tally.scan(FILE);
  tally.add(3, 2, 60);
  tally.addWinner(3, encoder.encode("50"));
  tally.addWinner(3, encoder.encode("ñ"));
  assertEquals(known(tally), {
    size: FILE.length + 60,
    counts: [3, 3, 3],
    winners: ["10;a,7574", "20;40", "50;ñ"],
  });
  tally.clear();
  assertEquals(known(tally), { size: 0, counts: [0, 0, 0], winners: ["", "", ""] });
  tally.scan(FILE);
  assertEquals(known(tally), EXPECTED);
});

const DAMAGED: Record<string, string> = {
  "a row without comma": "1\n",
  "an empty row": "\n",
  "a row without agency": ",Ana,Paz,1,1980-01-01,1\n",
  "agency 0": "0,Ana,Paz,1,1980-01-01,1\n",
  "an agency over the highest": "10000,Ana,Paz,1,1980-01-01,1\n",
  "an agency that is no number": "x,Ana,Paz,1,1980-01-01,1\n",
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
    tally.scan(encoder.encode("1,Ana,Paz,1,1980-01-01,1\n"));
    tally.add(2, 3, 100);
    const next = "1,Ana,Paz,2,1980-01-01,7574\n";
    const error = assertThrows(
      () => tally.scan(encoder.encode(`${next}${row}${next}`)),
      DamagedRowError,
      "Cannot read bets.csv: line 6, at byte 153, is no bet",
    );
    assertEquals([error.line, error.offset], [6, 153]);
    assertStringIncludes(error.message, JSON.stringify(row.slice(0, -1).slice(0, 200)));
    // What was before it is counted, and counted once if it is scanned again.
    assertEquals(tally.size, 153);
    assertEquals(tally.count(1), 2);
  });
}
