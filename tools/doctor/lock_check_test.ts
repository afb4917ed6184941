import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs, PROGRAMS } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { checkLock } from "./lock_check.ts";

const HOLDER = await Deno.readTextFile(new URL("lock_holder.ts", import.meta.url));

/** Checks locks with a program that behaves as the other process would on another file system. */
async function checkWith(program: string) {
  await using folder = await tempFolder();
  const path = `${folder.path}/holder.ts`;
  await Deno.writeTextFile(path, program);
  return await checkLock(folder.path, { program: path });
}

Deno.test({
  ...needs(PROGRAMS, "checkLock() accepts flock"),
  fn: async () => {
    await using folder = await tempFolder();
    assertEquals((await checkLock(folder.path)).level, "ok");
    const awkward = `${folder.path}/a,b $c`;
    await Deno.mkdir(awkward);
    assertEquals((await checkLock(awkward)).level, "ok");
  },
});

Deno.test({
  ...needs(PROGRAMS, "checkLock() finds locks that two processes can hold at once"),
  fn: async () => {
    const atOnce = await checkWith(`console.log("taken");`);
    assertEquals(atOnce.level, "fault");
    assertStringIncludes(atOnce.text, "one lock to two processes");
    const later = await checkWith(HOLDER.replace("file.lockSync(true);", ""));
    assertEquals(later.level, "fault");
    assertStringIncludes(later.text, "one lock to two processes");
  },
});
