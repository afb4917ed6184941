import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeFolder } from "./made_folder.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";

const one = (folder: string) => Deno.writeTextFile(`${folder}/content`, "one");

Deno.test(needs(["write"], "makeFolder() makes the folder of a recipe once"), async () => {
  await using temp = await tempFolder();
  const folder = `${temp.path}/deep/made`;
  assert(await makeFolder(folder, { recipe: "1", make: one }));
  assertEquals(await Deno.readTextFile(`${folder}/content`), "one");
  assert(!await makeFolder(folder, { recipe: "1", make: () => Promise.reject("made again") }));
});

Deno.test(
  needs(["write"], "makeFolder() makes the folder again when the recipe changes"),
  async () => {
    await using temp = await tempFolder();
    const folder = `${temp.path}/made`;
    await makeFolder(folder, { recipe: "1", make: one });
    const two = (folder: string) => Deno.writeTextFile(`${folder}/other`, "two");
    assert(await makeFolder(folder, { recipe: "2", make: two }));
    await assertRejects(() => Deno.stat(`${folder}/content`), Deno.errors.NotFound);
    assertEquals(await Deno.readTextFile(`${folder}/other`), "two");
  },
);

Deno.test(
  needs(["write"], "makeFolder() keeps the old folder when making the new one fails"),
  async () => {
    await using temp = await tempFolder();
    const folder = `${temp.path}/made`;
    await makeFolder(folder, { recipe: "1", make: one });
    const failing = async (folder: string) => {
      await Deno.writeTextFile(`${folder}/half`, "");
      throw new TypeError("no network");
    };
    await assertRejects(() => makeFolder(folder, { recipe: "2", make: failing }), TypeError);
    assertEquals(await Deno.readTextFile(`${folder}/content`), "one");
    const names = await Array.fromAsync(Deno.readDir(temp.path), ({ name }) => name);
    assertEquals(names.sort(), ["made", "made.lock"]);
  },
);

Deno.test(needs(["write"], "makeFolder() removes what a killed process left"), async () => {
  await using temp = await tempFolder();
  const folder = `${temp.path}/made`;
  await Deno.mkdir(`${folder}.aside/new`, { recursive: true });
  await Deno.writeTextFile(`${folder}.aside/new/half`, "");
  await makeFolder(folder, { recipe: "1", make: one });
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  assertEquals(names.sort(), [".recipe", "content"]);
});

Deno.test(
  needs(["write"], "makeFolder() makes the folder once when called many times at once"),
  async () => {
    await using temp = await tempFolder();
    let made = 0;
    const make = async (folder: string) => {
      made++;
      await one(folder);
    };
    const results = await Promise.all(
      Array.from({ length: 5 }, () => makeFolder(`${temp.path}/made`, { recipe: "1", make })),
    );
    assertEquals(made, 1);
    assertEquals(results.filter((isNew) => isNew).length, 1);
  },
);
