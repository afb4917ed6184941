import { assertEquals } from "@std/assert";
import { tempFolder, writesFiles } from "../testing.ts";
import { DRAW_FILE, recordAgencies, recordedAgencies } from "./draw_record.ts";

Deno.test(
  writesFiles("recordedAgencies() returns what recordAgencies() wrote, and undefined if damaged"),
  async () => {
    await using folder = tempFolder();
    assertEquals(await recordedAgencies(folder.path), undefined);
    await recordAgencies(folder.path, 12);
    assertEquals(await recordedAgencies(folder.path), 12);
    await Deno.writeTextFile(`${folder.path}/${DRAW_FILE}`, "{");
    assertEquals(await recordedAgencies(folder.path), undefined);
  },
);
