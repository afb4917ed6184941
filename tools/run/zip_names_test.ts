import { assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { zipOf } from "./testing/zip.ts";
import { zipNames } from "./zip_names.ts";

Deno.test(
  needs(["write"], "zipNames() returns the names in an archive, with or without a comment"),
  async () => {
    await using folder = tempFolder();
    const path = `${folder.path}/a.zip`;
    for (const comment of ["", "x".repeat(60_000)]) {
      await Deno.writeFile(path, zipOf(["a", "ñ/b.csv"], comment));
      assertEquals(await zipNames(path), ["a", "ñ/b.csv"]);
    }
  },
);

Deno.test(
  needs(["write"], "zipNames() returns nothing for what is not a whole archive"),
  async () => {
    await using folder = tempFolder();
    const path = `${folder.path}/a.zip`;
    const whole = zipOf(["agency-1.csv", "agency-2.csv"]);
    for (let length = 0; length < whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      assertEquals(await zipNames(path), []);
      await Deno.writeFile(path, whole.subarray(whole.length - length));
      const names = await zipNames(path);
      assertEquals(names.filter((name) => !name.startsWith("agency-")), []);
    }
    await Deno.writeFile(path, new Uint8Array(100_000));
    assertEquals(await zipNames(path), []);
  },
);
