import { assert, assertEquals } from "@std/assert";
import { PROJECT_ROOT } from "../project.ts";
import { jsrSpecifiers, STD_PACKAGES } from "./vendor_std.ts";

const SOURCE_FOLDERS = ["shared", "server", "client", "tools", "bench", "e2e", "testing"];

Deno.test("vendor_std makes every @std package that deno.json imports, in a version that it takes", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  for (const [name, specifier] of Object.entries<string>(imports)) {
    const made = STD_PACKAGES[name.replace("@std/", "")];
    assert(made !== undefined && made.modules.length > 0, `the recipe lacks ${name}`);
    const range = specifier.replace(`jsr:${name}@`, "");
    assert(satisfies(made.version, range), `${name} is made as ${made.version}, not ${range}`);
  }
});

Deno.test("vendor_std makes every @std module that the code imports", async () => {
  for await (const path of sourceFiles()) {
    for (const { std, module } of importedModules(await Deno.readTextFile(path))) {
      assert(STD_PACKAGES[std]?.modules.includes(module), `${path} imports @std/${std}, ${module}`);
    }
  }
});

Deno.test("vendor_std makes the versions that deno.lock holds", async () => {
  const { specifiers } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.lock`));
  for (const [specifier, version] of Object.entries<string>(specifiers)) {
    const std = /^jsr:@std\/([^@]+)@/.exec(specifier)?.[1] ?? "";
    const made = STD_PACKAGES[std];
    if (made !== undefined) assertEquals(made.version, version, specifier);
  }
});

Deno.test("jsrSpecifiers() names a module of each imported package", async () => {
  const specifiers = await jsrSpecifiers();
  assert(specifiers.includes("jsr:@std/csv@^1.0.6"));
  assert(specifiers.includes("jsr:@std/testing@^1.0.16/mock"), "it has no module of its own name");
  assertEquals(specifiers.length, 6);
});

/** Whether a version is in a range, for the ranges that deno.json uses: `1.2.3` and `^1.2.3`. */
function satisfies(version: string, range: string): boolean {
  if (!range.startsWith("^")) return version === range;
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const [fromMajor = 0, fromMinor = 0, fromPatch = 0] = range.slice(1).split(".").map(Number);
  if (major !== fromMajor) return false;
  if (major === 0) return minor === fromMinor && patch >= fromPatch;
  return minor > fromMinor || (minor === fromMinor && patch >= fromPatch);
}

async function* sourceFiles(): AsyncGenerator<string> {
  for (const folder of SOURCE_FOLDERS) yield* typeScriptBelow(`${PROJECT_ROOT}/${folder}`);
}

async function* typeScriptBelow(folder: string): AsyncGenerator<string> {
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const { name, isDirectory, isFile } of entries) {
    if (isDirectory && name !== "shared-volume") yield* typeScriptBelow(`${folder}/${name}`);
    if (isFile && name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

function importedModules(code: string): { std: string; module: string }[] {
  return [...code.matchAll(/ from "@std\/([a-z-]+)(?:\/([a-z-]+))?";$/gm)].map((
    [, std, module],
  ) => ({
    std: std ?? "",
    module: module?.replaceAll("-", "_") ?? "mod",
  }));
}
