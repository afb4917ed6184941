import { assertEquals } from "@std/assert";
import { ResultFile } from "../../client/result_file.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { clearResults, readResults, resultFile } from "./client_results.ts";

Deno.test(needs(["write"], "readResults() returns exactly what clients have written"), async () => {
  await using temporary = tempFolder();
  const folder = `${temporary.path}/results`;
  await clearResults(folder);
  assertEquals(await readResults(2, folder), new Map());
  const result = new ResultFile(`${folder}/${resultFile(2)}`, 2);
  const winners = [" 1 ", "\u00a02", "a|b", '"3"', "a: b | result: fail", "\ufeff4"];
  result.winners = winners;
  result.finish(0);
  const found = await readResults(2, folder);
  assertEquals(found.get(2)?.winners, winners);
  assertEquals([...found.keys()], [2]);
  await clearResults(folder);
  assertEquals(await readResults(2, folder), new Map());
});
