import { assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { countBets, datasetFolder, presentBetsFiles, writeSample } from "./bets_folder.ts";

Deno.test("datasetFolder() resolves a relative folder from the root", () => {
  assertEquals(datasetFolder(".data", "/project"), "/project/.data");
  assertEquals(datasetFolder("/elsewhere", "/project"), "/elsewhere");
});

Deno.test({
  ...needs(["write"], "writeSample() writes the same files for the same seed"),
  async fn() {
    await using folder = tempFolder();
    const [one, two] = [`${folder.path}/one`, `${folder.path}/two`];
    assertEquals(await presentBetsFiles(one, 2), []);
    const sizes = await writeSample(one, { agencies: 2, bets: 3000, seed: 1 });
    await writeSample(two, { agencies: 2, bets: 3000, seed: 1 });
    assertEquals(await presentBetsFiles(one, 3), [`${one}/agency-1.csv`, `${one}/agency-2.csv`]);
    for (const [index, size] of sizes.entries()) {
      const text = await Deno.readTextFile(`${one}/agency-${index + 1}.csv`);
      assertEquals(text, await Deno.readTextFile(`${two}/agency-${index + 1}.csv`));
      assertEquals(text.split("\r\n").length, size + 1);
    }
    assertEquals(await countBets({ dataset: one, clients: 2 }), sizes);
    // Nothing else is left but the record of the samples.
    assertEquals((await Array.fromAsync(Deno.readDir(one))).length, 3);
  },
});

Deno.test({
  ...needs(
    ["read", "write"],
    "countBets() counts a last line without its line end, and no line in an empty file",
  ),
  fn: async () => {
    await using folder = tempFolder();
    const files = ["a\nb\n", "a\nb", "", "a\r\n".repeat(300_000)];
    for (const [index, text] of files.entries()) {
      await Deno.writeTextFile(`${folder.path}/agency-${index + 1}.csv`, text);
    }
    assertEquals(await countBets({ dataset: folder.path, clients: 4 }), [2, 2, 0, 300_000]);
  },
});
