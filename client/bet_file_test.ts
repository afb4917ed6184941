import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DATASET_FOLDER, needs } from "../testing/needs.ts";
import { BetFile, betFilePath } from "./bet_file.ts";
import { BetFileError } from "./bet_lines.ts";
import { textsOf } from "./testing/bet_blocks.ts";

const ANA = "Ana,Gil,1,1999-01-31,7";
const ANA_SENT = "Ana;Gil;1;1999-01-31;7";

async function makeFile(content: string): Promise<AsyncDisposable & { path: string }> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/agency-3.csv`;
  await Deno.writeTextFile(path, content);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test({
  ...needs(["write"], "BetFile.open() counts the bets, and BetFile.read() returns them"),
  async fn() {
    await using made = await makeFile(`${ANA}\n`.repeat(20_000));
    using file = await BetFile.open(made.path);
    assertEquals(file.total, 20_000);
    let bets = 0;
    for (let block = await file.read(); block !== undefined; block = await file.read()) {
      assertEquals(new Set(textsOf(block)), new Set([ANA_SENT]));
      bets += block.count;
    }
    assertEquals(bets, 20_000);
  },
});

Deno.test({
  ...needs(["write"], "BetFile.open() throws at an invalid line, with file and line"),
  async fn() {
    await using made = await makeFile(`${ANA}\n`.repeat(9999) + "A,B,1,1999-01-01,x\n");
    const error = await assertRejects(() => BetFile.open(made.path), BetFileError);
    assertStringIncludes(error.message, `${made.path}:10000: number "x" is not an integer`);
  },
});

Deno.test({
  ...needs(["write"], "BetFile.read() throws when the file has changed since it was opened"),
  async fn() {
    await using made = await makeFile(`${ANA}\n`.repeat(20_000));
    using file = await BetFile.open(made.path);
    await file.read();
    await Deno.writeTextFile(made.path, `${ANA}\n`, { append: true });
    await assertRejects(() => file.read(), BetFileError, "changed while it was being read");
  },
});

Deno.test({
  ...needs(["write"], "BetFile.open() reports why a file cannot be read"),
  async fn() {
    await using made = await makeFile("");
    const folder = made.path.slice(0, made.path.lastIndexOf("/"));
    await assertRejects(() => BetFile.open(`${folder}/x.csv`), BetFileError, "there is no file");
    await assertRejects(() => BetFile.open(folder), BetFileError, "is not a regular file");
  },
});

Deno.test({
  ...needs(["write"], "betFilePath() returns agency-N.csv in a folder, and a file as it is"),
  async fn() {
    await using made = await makeFile("");
    const folder = made.path.slice(0, made.path.lastIndexOf("/"));
    assertEquals(betFilePath(folder, 3), made.path);
    assertEquals(betFilePath(`${folder}/`, 3), made.path);
    assertEquals(betFilePath(made.path, 8), made.path);
    assertEquals(betFilePath(`${folder}/missing.csv`, 3), `${folder}/missing.csv`);
  },
});

Deno.test({
  ...needs(["read", "dataset"], "BetFile.open() accepts the dataset of the exercise"),
  async fn() {
    using file = await BetFile.open(`${DATASET_FOLDER}/agency-1.csv`);
    assertEquals(file.total, 26_936);
  },
});
