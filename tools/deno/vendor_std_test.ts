import { assert, assertEquals } from "@std/assert";
import { PROJECT_ROOT } from "../project.ts";
import { jsrSpecifiers, STD_PACKAGES } from "./vendor_std.ts";

/** Folders without code of the project. */
const NO_SOURCES = /^(\..*|dist|node_modules|shared-volume|vendor)$/;

Deno.test("STD_PACKAGES has every @std package of deno.json, in a version that it accepts", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  for (const [name, specifier] of Object.entries<string>(imports)) {
    if (!specifier.startsWith("jsr:@std/")) continue;
    const made = STD_PACKAGES[name.replace("@std/", "")];
    assert(made !== undefined, `STD_PACKAGES lacks ${name}`);
    const range = specifier.replace(`jsr:${name}@`, "");
    assert(satisfies(made.version, range), `${name} has the version ${made.version}, not ${range}`);
  }
});

Deno.test("STD_PACKAGES has every @std module that the code imports", async () => {
  for await (const path of typeScriptBelow(PROJECT_ROOT)) {
    const code = await Deno.readTextFile(path);
    for (const [, std, module] of code.matchAll(/ from "@std\/([a-z-]+)(\/[a-z-]+)?";$/gm)) {
      const name = `.${module ?? ""}`;
      assert(STD_PACKAGES[std]?.exports[name], `${path} imports ${name} of @std/${std}`);
    }
  }
});

Deno.test("STD_PACKAGES has the versions of deno.lock", async () => {
  const { specifiers } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.lock`));
  for (const [specifier, version] of Object.entries<string>(specifiers)) {
    const std = /^jsr:@std\/([^@]+)@/.exec(specifier)?.[1] ?? "";
    const made = STD_PACKAGES[std];
    if (made !== undefined) assertEquals(made.version, version, specifier);
  }
});

Deno.test("jsrSpecifiers() returns one module of each imported package", async () => {
  const specifiers = await jsrSpecifiers();
  assert(specifiers.includes("jsr:@std/csv@^1.0.6"));
  assert(specifiers.includes("jsr:@std/testing@^1.0.16/time"), "the package has no main module");
  assertEquals(specifiers.length, 5);
});

/** Returns whether a range of the form `1.2.3` or `^1.2.3` accepts a version. */
function satisfies(version: string, range: string): boolean {
  if (!range.startsWith("^")) return version === range;
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const [fromMajor = 0, fromMinor = 0, fromPatch = 0] = range.slice(1).split(".").map(Number);
  if (major !== fromMajor) return false;
  if (major === 0) return minor === fromMinor && patch >= fromPatch;
  return minor > fromMinor || (minor === fromMinor && patch >= fromPatch);
}

async function* typeScriptBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && !NO_SOURCES.test(name)) yield* typeScriptBelow(`${folder}/${name}`);
    if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}
