import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { type BetBlock, BetFile, BetFileError, betFilePath, BetLines } from "./bet_source.ts";
import { lacks } from "./testing.ts";

const DATASET = `${import.meta.dirname}/../../shared/dataset`;
const HAS_DATASET = lacks("read") ? false : await Deno.stat(DATASET).then(() => true, () => false);

/** A source that hands out at most `stepBytes` at once. */
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

function texts(block: BetBlock): string[] {
  const text = new TextDecoder().decode(block.bytes.subarray(0, block.ends[block.count - 1]));
  const bets = text.split(":");
  assertEquals(bets.length, block.count);
  return bets;
}

async function readAll(content: string | Uint8Array, stepBytes?: number): Promise<string[]> {
  const lines = new BetLines(source(content, stepBytes), {
    name: "bets.csv",
    today: 20261123,
    pieceBytes: 5000,
  });
  const bets: string[] = [];
  for (let block = await lines.read(); block !== undefined; block = await lines.read()) {
    bets.push(...texts(block));
  }
  return bets;
}

const ANA = "Ana,Gil,1,1999-01-31,7";
const ANA_SENT = "Ana;Gil;1;1999-01-31;7";

Deno.test("BetLines.read() makes bets of lines", async (t) => {
  const LONG_NAME = "n".repeat(64);
  const table = [
    { name: "with line feeds", input: `${ANA}\n${ANA}\n`, output: [ANA_SENT, ANA_SENT] },
    { name: "with CRLF", input: `${ANA}\r\n${ANA}\r\n`, output: [ANA_SENT, ANA_SENT] },
    { name: "without a last line end", input: `${ANA}\n${ANA}`, output: [ANA_SENT, ANA_SENT] },
    { name: "with a last return alone", input: `${ANA}\r`, output: [ANA_SENT] },
    { name: "with an empty last line", input: `${ANA}\n\n`, output: [ANA_SENT] },
    { name: "with an empty last CRLF line", input: `${ANA}\r\n\r\n`, output: [ANA_SENT] },
    { name: "of an empty file", input: "", output: [] },
    { name: "of a file of one line end", input: "\n", output: [] },
    { name: "behind a byte order mark", input: `\ufeff${ANA}\n`, output: [ANA_SENT] },
    { name: "of a byte order mark alone", input: "\ufeff", output: [] },
    {
      name: "with zeros before the number",
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
      name: "with all quoted",
      input: '"A","B","1","1999-01-31","007"\n',
      output: ["A;B;1;1999-01-31;7"],
    },
    {
      name: "with quotes behind a mark",
      input: '\ufeff"A",B,1,1999-01-31,1\n',
      output: ["A;B;1;1999-01-31;1"],
    },
    {
      name: "with letters of all sorts",
      input: "Nicolás Ñ,李😀,1,1999-01-31,1\n",
      output: ["Nicolás Ñ;李😀;1;1999-01-31;1"],
    },
    {
      name: "of the longest fields",
      input: `${LONG_NAME},${LONG_NAME},${"9".repeat(20)},1999-01-31,9999\n`,
      output: [`${LONG_NAME};${LONG_NAME};${"9".repeat(20)};1999-01-31;9999`],
    },
  ];
  for (const { name, input, output } of table) {
    await t.step(name, async () => {
      assertEquals(await readAll(input), output);
      assertEquals(await readAll(input, 1), output, "byte by byte");
    });
  }
});

Deno.test("BetLines.read() refuses bad lines with file and line", async (t) => {
  const table = [
    {
      name: "a day that is none",
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
    { name: "no number", bad: "A,B,1,1999-01-01,", reason: 'number "" is empty' },
    { name: "a field too few", bad: "A,B,1999-01-01,1", reason: "birthdate" },
    { name: "a field too many", bad: "A,B,1,1999-01-01,1,x", reason: "number" },
    { name: "an empty name", bad: ",B,1,1999-01-01,1", reason: 'first name "" is empty' },
    { name: "a semicolon", bad: "A;Z,B,1,1999-01-01,1", reason: 'first name "A;Z" holds' },
    { name: "a colon", bad: "A:Z,B,1,1999-01-01,1", reason: 'first name "A:Z" holds' },
    {
      name: "a quoted semicolon",
      bad: '"A;Z",B,1,1999-01-01,1',
      reason: 'first name "A;Z" holds a `;`',
    },
    {
      name: "a semicolon for a comma within quotes",
      bad: '"A;B",1,1999-01-01,1',
      reason: "the line has 4 fields, not 5",
    },
    { name: "a quoted colon", bad: '"A:Z",B,1,1999-01-01,1', reason: 'first name "A:Z" holds' },
    { name: "a return within the line", bad: "A\rZ,B,1,1999-01-01,1", reason: "first name" },
    { name: "an open quote", bad: '"A,B,1,1999-01-01,1', reason: "a quote is not closed" },
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
      name: "a line over the limit",
      bad: "x".repeat(4096),
      reason: "the line is longer than 4096 bytes",
    },
    { name: "a byte order mark that comes late", bad: "\ufeff,", reason: "last name" },
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

Deno.test("BetLines.read() refuses what is not UTF-8", async () => {
  for (const line of ["A\xff,B,1,1999-01-01,1\n", '"A\xff",B,1,1999-01-01,1\n']) {
    const bytes = Uint8Array.from(line, (char) => char.charCodeAt(0));
    const error = await assertRejects(() => readAll(bytes), BetFileError);
    assertStringIncludes(error.message, "bets.csv:1: ");
    assertStringIncludes(error.message, "not UTF-8");
  }
});

Deno.test("BetLines.read() takes a line of exactly the limit for a line", async () => {
  const error = await assertRejects(() => readAll("x".repeat(4095) + "\n"), BetFileError);
  assertStringIncludes(error.message, "first name");
});

Deno.test("BetLines.read() keeps no more of a long file than one piece", async () => {
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
    // All its memory: what is read, and what it is made into.
    assert(block.bytes.buffer.byteLength <= 8 * 8192);
    bets += block.count;
  }
  assertEquals(bets, 200_000);
});

async function makeFile(content: string): Promise<AsyncDisposable & { path: string }> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/agency-3.csv`;
  await Deno.writeTextFile(path, content);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test({
  ...needs(["write"], "BetFile.check() counts the bets, and read() hands them out"),
  async fn() {
    await using made = await makeFile(`${ANA}\n`.repeat(20_000));
    using file = await BetFile.open(made.path);
    assertEquals(await file.check(), 20_000);
    let bets = 0;
    for (let block = await file.read(); block !== undefined; block = await file.read()) {
      assertEquals(new Set(texts(block)), new Set([ANA_SENT]));
      bets += block.count;
    }
    assertEquals(bets, 20_000);
  },
});

Deno.test({
  ...needs(["write"], "BetFile.check() names the file and the line that is bad"),
  async fn() {
    await using made = await makeFile(`${ANA}\n`.repeat(9999) + "A,B,1,1999-01-01,x\n");
    using file = await BetFile.open(made.path);
    const error = await assertRejects(() => file.check(), BetFileError);
    assertStringIncludes(error.message, `${made.path}:10000: number "x" is not an integer`);
  },
});

Deno.test({
  ...needs(["write"], "BetFile.read() fails when the file is changed after the check"),
  async fn() {
    await using made = await makeFile(`${ANA}\n`.repeat(20_000));
    using file = await BetFile.open(made.path);
    await file.check();
    await file.read();
    await Deno.writeTextFile(made.path, `${ANA}\n`, { append: true });
    await assertRejects(() => file.read(), BetFileError, "was changed while it was being read");
  },
});

Deno.test({
  ...needs(["write"], "BetFile.open() says why a file cannot be read"),
  async fn() {
    await using made = await makeFile("");
    const folder = made.path.slice(0, made.path.lastIndexOf("/"));
    await assertRejects(() => BetFile.open(`${folder}/x.csv`), BetFileError, "there is no file");
    await assertRejects(() => BetFile.open(folder), BetFileError, "is no regular file");
  },
});

Deno.test({
  ...needs(["write"], "betFilePath() finds agency-N.csv in a folder, and takes a file as it is"),
  async fn() {
    await using made = await makeFile("");
    const folder = made.path.slice(0, made.path.lastIndexOf("/"));
    assertEquals(await betFilePath(folder, 3), made.path);
    assertEquals(await betFilePath(`${folder}/`, 3), made.path);
    assertEquals(await betFilePath(made.path, 8), made.path);
    assertEquals(await betFilePath(`${folder}/missing.csv`, 3), `${folder}/missing.csv`);
  },
});

Deno.test({
  name: `BetFile.check() takes the course's dataset${
    HAS_DATASET ? "" : " (needs ../shared/dataset)"
  }`,
  ignore: !HAS_DATASET,
  async fn() {
    using file = await BetFile.open(`${DATASET}/agency-1.csv`);
    assertEquals(await file.check(), 26_936);
  },
});
