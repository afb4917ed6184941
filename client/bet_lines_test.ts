import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BetFileError, BetLines } from "./bet_lines.ts";
import { textsOf } from "./testing/bet_blocks.ts";

/** Returns a source that returns at most `stepBytes` at once. */
function source(content: string | Uint8Array, stepBytes = Infinity) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  let at = 0;
  return {
    read(into: Uint8Array): Promise<number | null> {
      const count = Math.min(stepBytes, into.length, bytes.length - at);
      into.set(bytes.subarray(at, at + count));
      at += count;
      return Promise.resolve(count === 0 ? null : count);
    },
  };
}

/** Reads the bets of a file, translated and line by line: both must come to the same. */
async function readAll(content: string | Uint8Array, stepBytes?: number): Promise<string[]> {
  const [translated, scanned] = await Promise.all(
    [0, Infinity].map((translatedBytesMin) =>
      readBets(content, { stepBytes, translatedBytesMin }).catch((error: Error) => error)
    ),
  );
  assertEquals(String(scanned), String(translated));
  if (translated instanceof Error) throw translated;
  return translated;
}

async function readBets(
  content: string | Uint8Array,
  { stepBytes, translatedBytesMin }: { stepBytes?: number; translatedBytesMin?: number },
): Promise<string[]> {
  const lines = new BetLines(source(content, stepBytes), {
    name: "bets.csv",
    today: 20261123,
    pieceBytes: 5000,
    translatedBytesMin,
  });
  const bets: string[] = [];
  for (let block = await lines.read(); block !== undefined; block = await lines.read()) {
    bets.push(...textsOf(block));
  }
  return bets;
}

const ANA = "Ana,Gil,1,1999-01-31,7";
const ANA_SENT = "Ana;Gil;1;1999-01-31;7";

Deno.test("BetLines.read() encodes the bets of a file", async (t) => {
  const longName = "n".repeat(64);
  const table = [
    { name: "with line feeds", input: `${ANA}\n${ANA}\n`, output: [ANA_SENT, ANA_SENT] },
    { name: "with CRLF", input: `${ANA}\r\n${ANA}\r\n`, output: [ANA_SENT, ANA_SENT] },
    { name: "without a last line end", input: `${ANA}\n${ANA}`, output: [ANA_SENT, ANA_SENT] },
    { name: "with a carriage return as the last line end", input: `${ANA}\r`, output: [ANA_SENT] },
    { name: "with an empty last line", input: `${ANA}\n\n`, output: [ANA_SENT] },
    { name: "with an empty last CRLF line", input: `${ANA}\r\n\r\n`, output: [ANA_SENT] },
    { name: "without lines", input: "", output: [] },
    { name: "of one line end", input: "\n", output: [] },
    { name: "after a byte order mark", input: `\ufeff${ANA}\n`, output: [ANA_SENT] },
    { name: "of a byte order mark alone", input: "\ufeff", output: [] },
    {
      name: "with leading zeros in the number",
      input: "A,B,1,1999-01-31,0042\n",
      output: ["A;B;1;1999-01-31;42"],
    },
    {
      name: "with the number 0000",
      input: "A,B,1,1999-01-31,0000\n",
      output: ["A;B;1;1999-01-31;0"],
    },
    {
      name: "with a quoted comma",
      input: '"Gil, Ana",B,1,1999-01-31,1\n',
      output: ["Gil, Ana;B;1;1999-01-31;1"],
    },
    {
      name: "with a quoted quote",
      input: '"Ana ""Pepa""",B,1,1999-01-31,1\r\n',
      output: ['Ana "Pepa";B;1;1999-01-31;1'],
    },
    {
      name: "with all fields quoted",
      input: '"A","B","1","1999-01-31","007"\n',
      output: ["A;B;1;1999-01-31;7"],
    },
    {
      name: "with quotes after a byte order mark",
      input: '\ufeff"A",B,1,1999-01-31,1\n',
      output: ["A;B;1;1999-01-31;1"],
    },
    {
      name: "with letters of many scripts",
      input: "Nicolás Ñ,李😀,1,1999-01-31,1\n",
      output: ["Nicolás Ñ;李😀;1;1999-01-31;1"],
    },
    {
      name: "with the longest fields",
      input: `${longName},${longName},${"9".repeat(20)},1999-01-31,9999\n`,
      output: [`${longName};${longName};${"9".repeat(20)};1999-01-31;9999`],
    },
  ];
  for (const { name, input, output } of table) {
    await t.step(name, async () => {
      assertEquals(await readAll(input), output);
      assertEquals(await readAll(input, 1), output, "byte by byte");
    });
  }
});

Deno.test("BetLines.read() throws at an invalid line, with file and line", async (t) => {
  const table = [
    {
      name: "a day that does not exist",
      bad: "A,B,1,1999-13-01,1",
      reason: 'birthdate "1999-13-01" is not a calendar date YYYY-MM-DD',
    },
    {
      name: "a future day",
      bad: "A,B,1,2026-11-24,1",
      reason: 'birthdate "2026-11-24" is in the future',
    },
    {
      name: "a number over the limit",
      bad: "A,B,1,1999-01-01,10000",
      reason: 'number "10000" is over 9999',
    },
    {
      name: "a negative number",
      bad: "A,B,1,1999-01-01,-1",
      reason: 'number "-1" is not an integer from 0 to 9999',
    },
    { name: "an empty number", bad: "A,B,1,1999-01-01,", reason: 'number "" is empty' },
    { name: "a missing field", bad: "A,B,1999-01-01,1", reason: "birthdate" },
    { name: "an extra field", bad: "A,B,1,1999-01-01,1,x", reason: "number" },
    { name: "an empty name", bad: ",B,1,1999-01-01,1", reason: 'first name "" is empty' },
    { name: "a semicolon", bad: "A;Z,B,1,1999-01-01,1", reason: 'first name "A;Z" holds' },
    { name: "a colon", bad: "A:Z,B,1,1999-01-01,1", reason: 'first name "A:Z" holds' },
    {
      name: "a quoted semicolon",
      bad: '"A;Z",B,1,1999-01-01,1',
      reason: 'first name "A;Z" holds a `;`',
    },
    {
      name: "a semicolon instead of a comma, within quotes",
      bad: '"A;B",1,1999-01-01,1',
      reason: "the line has 4 fields, not 5",
    },
    { name: "a quoted colon", bad: '"A:Z",B,1,1999-01-01,1', reason: 'first name "A:Z" holds' },
    {
      name: "a carriage return within the line",
      bad: "A\rZ,B,1,1999-01-01,1",
      reason: "first name",
    },
    {
      name: "a carriage return too many",
      bad: "A,B,1,1999-01-01,1\r\r",
      reason: "number",
    },
    {
      name: "a carriage return too many, with quotes",
      bad: '"A",B,1,1999-01-01,1\r\r',
      reason: "number",
    },
    {
      name: "a byte order mark before a quote on a later line",
      bad: '\ufeff"A",B,1,1999-01-01,1',
      reason: "a quote is not closed on its line, or stands inside a field",
    },
    {
      name: "a quote that is not closed",
      bad: '"A,B,1,1999-01-01,1',
      reason: "a quote is not closed",
    },
    {
      name: "a quote within a field",
      bad: 'A"Z",B,1,1999-01-01,1',
      reason: "a quote is not closed",
    },
    {
      name: "a name of 65 bytes",
      bad: `${"n".repeat(65)},B,1,1999-01-01,1`,
      reason: `first name "${"n".repeat(65)}" is longer than 64 bytes`,
    },
    {
      name: "a document of 21 bytes",
      bad: `A,B,${"1".repeat(21)},1999-01-01,1`,
      reason: `document "${"1".repeat(21)}" is longer than 20 bytes`,
    },
    { name: "an empty line", bad: "", reason: "the line is empty" },
    { name: "an empty CRLF line", bad: "\r", reason: "the line is empty" },
    {
      name: "a header",
      bad: "nombre,apellido,documento,nacimiento,numero",
      reason: 'birthdate "nacimiento"',
    },
    {
      name: "a line longer than the limit",
      bad: "x".repeat(4096),
      reason: "the line is longer than 4096 bytes",
    },
    { name: "a byte order mark on a later line", bad: "\ufeff,", reason: "last name" },
  ];
  for (const { name, bad, reason } of table) {
    await t.step(name, async () => {
      for (const step of [undefined, 1]) {
        const error = await assertRejects(
          () => readAll(`${ANA}\n${bad}\n${ANA}\n`, step),
          BetFileError,
        );
        assert(error.message.startsWith(`bets.csv:2: ${reason}`), error.message);
      }
    });
  }
});

Deno.test("BetLines.read() gives onFault every invalid line, and returns the bets between them", async () => {
  const long = "x".repeat(20_000);
  const content = ["bad", ANA, "", '"A', ANA, long, ANA, "x".repeat(4096), ANA, long, "A,B"];
  for (const step of [undefined, 1]) {
    const faults: string[] = [];
    const lines = new BetLines(source(content.join("\r\n"), step), {
      name: "bets.csv",
      today: 20261123,
      pieceBytes: 5000,
      onFault: ({ message }) => faults.push(/bets\.csv:\d+: .{0,12}/.exec(message)?.[0] ?? message),
    });
    let bets = 0;
    for (let block = await lines.read(); block !== undefined; block = await lines.read()) {
      bets += block.count;
    }
    assertEquals(bets, 4);
    assertEquals(faults, [
      'bets.csv:1: first name "',
      "bets.csv:3: the line is ",
      "bets.csv:4: a quote is n",
      "bets.csv:6: the line is ",
      "bets.csv:8: the line is ",
      "bets.csv:10: the line is ",
      'bets.csv:11: last name "B',
    ]);
  }
});

Deno.test("BetLines.read() shows what is invisible in a line with a wrong quote", async () => {
  const error = await assertRejects(
    () => readAll(`${ANA}\n\ufeff"A",B,1,1999-01-01,1\n`),
    BetFileError,
  );
  assertStringIncludes(error.message, '; the line begins "\\ufeff\\"A\\",B,1,');
});

Deno.test("BetLines.read() throws at a line that is not UTF-8", async () => {
  for (const line of ["A\xff,B,1,1999-01-01,1\n", '"A\xff",B,1,1999-01-01,1\n']) {
    const bytes = Uint8Array.from(line, (char) => char.charCodeAt(0));
    const error = await assertRejects(() => readAll(bytes), BetFileError);
    assertStringIncludes(error.message, "bets.csv:1: ");
    assertStringIncludes(error.message, "not UTF-8");
  }
});

Deno.test("BetLines.read() does not reject a line of exactly the limit for its length", async () => {
  const error = await assertRejects(() => readAll("x".repeat(4095) + "\n"), BetFileError);
  assertStringIncludes(error.message, "first name");
});

Deno.test("BetLines.read() holds only one piece of a long file in memory", async () => {
  const line = new TextEncoder().encode("Santiago,Lorca,30904465,1999-03-17,2201\r\n");
  let left = 200_000;
  let partial: Uint8Array = new Uint8Array();
  const endless = {
    read(into: Uint8Array): Promise<number | null> {
      if (partial.length === 0 && left > 0) {
        left--;
        partial = line;
      }
      const count = Math.min(into.length, partial.length);
      into.set(partial.subarray(0, count));
      partial = partial.subarray(count);
      return Promise.resolve(count === 0 ? null : count);
    },
  };
  const lines = new BetLines(endless, { name: "bets.csv", today: 20261123, pieceBytes: 8192 });
  let bets = 0;
  for (let block = await lines.read(); block !== undefined; block = await lines.read()) {
    // The buffer holds all of its memory, input and output.
    assert(block.bytes.buffer.byteLength <= 8 * 8192);
    bets += block.count;
  }
  assertEquals(bets, 200_000);
});
