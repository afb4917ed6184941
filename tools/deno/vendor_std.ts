/**
 * Makes `vendor/std`, the @std packages that deno.json imports, from npm packages that contain
 * their code: for a machine that reaches npm but not JSR. Deno prefers a workspace folder to the
 * JSR package of the same name.
 *
 *     deno run -A tools/deno/vendor_std.ts [--unless-jsr]
 *
 * With --unless-jsr, as `./denow` calls it, it first has Deno fetch the packages from JSR, and
 * stops if that works.
 *
 * It imports nothing of std, because it runs where std is missing. Each npm package is checked
 * against its sha512 below.
 *
 * @module
 */

import { makeFolder } from "./made_folder.ts";
import { PROJECT_ROOT, unlessNotFound } from "../project.ts";
import { fetchNpmPackages, type NpmPackage } from "./npm_package.ts";

/** An npm package that contains the code of std packages. */
interface Source extends NpmPackage {
  /** Folders of the npm package that contain folders of std packages. `*` is any name. */
  roots: readonly string[];
  /** The std packages to copy: those that deno.json imports, and their dependencies. */
  packages: readonly string[];
}

const SOURCES: readonly Source[] = [
  {
    name: "deno-std",
    version: "1.3.1",
    integrity:
      "sha512-5H1k/NjBWYeH9OYYBQi/LlvcTyI/hxzaLPz8nXeWbF8nBwdGELXS383g2WMksrUoCrLmAyZ9NKi5hNdkPP3pMg==",
    roots: ["."],
    packages: ["assert", "csv", "data_structures", "internal", "streams", "testing"],
  },
  {
    name: "keep-a-changelog",
    version: "2.8.0",
    integrity:
      "sha512-RG9LRYRPy9jxBD/TRGoTwOAsWLF8iMcWFnQZP78MZk5a5TgCH9ceLy2wgpHGQHKp7jfAqS//1aj5Gu7U6/+PrA==",
    roots: ["esm/deps/*/@std"],
    packages: ["ini"],
  },
  {
    name: "windmill-cli",
    version: "1.596.0",
    integrity:
      "sha512-5aFVNTOEaGyTKyQlyjFI1FAZ8fTIQ2vGSmnqL3FfZuKpKWdqGXh8p9Azdp8N2MkIwyP1vYtOK9nfQk6jr6tRTw==",
    roots: ["esm/deps/*/@std", "types/deps/*/@std"],
    packages: ["yaml"],
  },
];

/** A std package as deno.json imports it. */
interface StdPackage {
  version: string;
  /** The modules that the project imports, as the field `exports` of a deno.json lists them. */
  exports: Record<string, string>;
}

/** The std packages that deno.json imports, by name. */
export const STD_PACKAGES: Record<string, StdPackage> = {
  // Unlike the 1.0.15 of JSR, its `equal` considers all bare ArrayBuffers equal.
  assert: { version: "1.0.15", exports: { ".": "./mod.js" } },
  csv: { version: "1.0.6", exports: { ".": "./mod.js", "./parse": "./parse.js" } },
  ini: { version: "0.225.2", exports: { ".": "./0.225.2/mod.js" } },
  testing: { version: "1.0.16", exports: { "./time": "./time.js" } },
  yaml: { version: "1.0.10", exports: { ".": "./1.0.10/mod.js", "./parse": "./1.0.10/parse.js" } },
};

/** Declarations for the std packages whose npm package has none. */
const TYPES = `${PROJECT_ROOT}/tools/deno/vendor_types`;

/**
 * Makes `vendor/std` unless it is there and current.
 *
 * @throws {Error} If a package cannot be fetched, or its content is not the pinned one.
 */
async function vendorStd(folder: string): Promise<void> {
  await makeFolder(folder, {
    recipe: await recipeHash(),
    make: async (into, scratch) => {
      console.error("Making vendor/std from npm packages instead of JSR.");
      const fetched = await fetchNpmPackages(SOURCES, scratch);
      for (const { name, roots, packages } of SOURCES) {
        for (const root of roots) {
          const from = await matchStar(`${fetched.get(name)}/${root}`);
          for (const std of packages) await copyCode(`${from}/${std}`, `${into}/${folderOf(std)}`);
        }
      }
      await copyCode(TYPES, into);
      await linkDeclarations(into);
      await writeConfigs(into);
    },
  });
}

/** Hashes what determines the content of `vendor/std`: this file and the declarations. */
async function recipeHash(): Promise<string> {
  let recipe = await Deno.readTextFile(`${PROJECT_ROOT}/tools/deno/vendor_std.ts`);
  for (const path of (await filesBelow(TYPES)).sort()) {
    recipe += `\0${path}\0${await Deno.readTextFile(`${TYPES}/${path}`)}`;
  }
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(recipe));
  return new Uint8Array(hash).toHex();
}

/** Replaces the `*` in a path by the name of the folder for which the path exists. */
async function matchStar(path: string): Promise<string> {
  const [before, after] = path.split("*");
  if (after === undefined) return path;
  for await (const { name } of Deno.readDir(before)) {
    if (await exists(before + name + after)) return before + name + after;
  }
  throw new Error(`${path} does not exist`);
}

/** Returns the name of a package's folder: deno-std imports `data-structures` by that name. */
function folderOf(std: string): string {
  return std.replaceAll("_", "-");
}

/** Copies JavaScript and declarations, without what only Node needs. */
async function copyCode(from: string, to: string): Promise<void> {
  for (const path of await filesBelow(from)) {
    if (!/\.(js|d\.ts)$/.test(path)) continue;
    const code = (await Deno.readTextFile(`${from}/${path}`))
      .replace(/^\/\/# sourceMappingURL=.*$/m, "")
      .replace(/^import \* as dntShim from .*\n/m, "")
      .replaceAll("dntShim.dntGlobalThis", "globalThis")
      .replaceAll("dntShim.Deno", "Deno");
    await Deno.mkdir(`${to}/${path}`.replace(/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${to}/${path}`, code);
  }
}

/** Names the declarations of each module in its first line, where Deno looks for them. */
async function linkDeclarations(folder: string): Promise<void> {
  for (const path of await filesBelow(folder)) {
    const declarations = path.replace(/\.js$/, ".d.ts");
    if (path === declarations || !await exists(`${folder}/${declarations}`)) continue;
    const code = await Deno.readTextFile(`${folder}/${path}`);
    const link = `// @ts-self-types="./${declarations.replace(/.*\//, "")}"`;
    await Deno.writeTextFile(`${folder}/${path}`, `${link}\n${code}`);
  }
}

/** Writes the deno.json of each package, by which Deno prefers the folder to the package on JSR. */
async function writeConfigs(folder: string): Promise<void> {
  for (const [std, { version, exports }] of Object.entries(STD_PACKAGES)) {
    const config = { name: `@std/${std}`, version, exports, exclude: ["."] };
    await Deno.writeTextFile(`${folder}/${std}/deno.json`, JSON.stringify(config, null, 2));
  }
}

/** The paths of all files below a folder, relative to it. */
async function filesBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) paths.push(name);
    else for (const path of await filesBelow(`${folder}/${name}`)) paths.push(`${name}/${path}`);
  }
  return paths;
}

async function exists(path: string): Promise<boolean> {
  return await unlessNotFound(Deno.stat(path)) !== undefined;
}

/** A file that records that JSR has sent the packages, so that `./denow` need not ask it again. */
const JSR_MARKER = `${PROJECT_ROOT}/.deno/std-from-jsr`;

/** Longest time for JSR to send all packages. */
const JSR_TIMEOUT_MS = 30_000;

/** Returns a module of each package that deno.json imports, such as `jsr:@std/csv@^1.0.6`. */
export async function jsrSpecifiers(): Promise<string[]> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  return Object.entries(STD_PACKAGES).map(([std, { exports }]) =>
    imports[`@std/${std}`] + Object.keys(exports)[0].slice(1)
  );
}

/** Has Deno fetch the packages from JSR into its cache. Returns whether it could. */
async function fetchFromJsr(): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...await jsrSpecifiers()],
    cwd: PROJECT_ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(JSR_TIMEOUT_MS),
  }).output();
  if (!success) return false;
  await Deno.mkdir(`${PROJECT_ROOT}/.deno`, { recursive: true });
  await Deno.writeTextFile(JSR_MARKER, "");
  return true;
}

async function main(): Promise<void> {
  const vendor = `${PROJECT_ROOT}/vendor/std`;
  const unlessJsr = Deno.args.includes("--unless-jsr");
  if (unlessJsr && !await exists(vendor) && await fetchFromJsr()) return;
  try {
    await vendorStd(vendor);
  } catch (error) {
    const jsr = unlessJsr ? "JSR cannot be reached, and " : "";
    const reason = error instanceof Error ? error.message : error;
    console.error(`Cannot make vendor/std: ${jsr}${reason}`);
    Deno.exit(1);
  }
}

if (import.meta.main) await main();
