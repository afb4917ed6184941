import { assertEquals, assertStringIncludes } from "@std/assert";
import { runsPrograms, tempFolder } from "../testing.ts";
import { checkLock } from "./lock_check.ts";

const HOLDER = await Deno.readTextFile(new URL("lock_holder.ts", import.meta.url));

/** Checks locks with another process that behaves as it would on a file system of another kind. */
async function checkWith(program: string) {
  await using folder = await tempFolder();
  const path = `${folder.path}/holder.ts`;
  await Deno.writeTextFile(path, program);
  return await checkLock(folder.path, { program: path });
}

Deno.test({
  ...runsPrograms("checkLock() is content with flock"),
  fn: async () => {
    await using folder = await tempFolder();
    assertEquals((await checkLock(folder.path)).level, "ok");
  },
});

Deno.test({
  ...runsPrograms("checkLock() finds locks that two processes can have at once"),
  fn: async () => {
    const atOnce = await checkWith(`console.log("taken");`);
    assertEquals(atOnce.level, "fault");
    assertStringIncludes(atOnce.text, "two processes have one lock");
    const later = await checkWith(HOLDER.replace("file.lockSync(true);", ""));
    assertEquals(later.level, "fault");
    assertStringIncludes(later.text, "two processes have one lock");
  },
});
