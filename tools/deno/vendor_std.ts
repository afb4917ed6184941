/**
 * Makes `vendor/std`: the @std packages of this project out of npm packages that carry their code, for a machine
 * that reaches npm but not JSR. Deno takes a folder there in place of the package of the same name.
 *
 *     deno run -A tools/deno/vendor_std.ts [--unless-jsr] [--force]
 *
 * With --unless-jsr it first lets Deno fetch the packages from JSR, and makes nothing where that works. `./denow` calls
 * it so.
 *
 * It imports nothing of std, because it runs when that cannot be had. What it fetches is checked against the sha512 of
 * each package written below.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { makeFolder } from "./made_folder.ts";
import { PROJECT_ROOT, unlessNotFound } from "../project.ts";
import { fetchNpmPackages, type NpmPackage } from "./npm_package.ts";

/** An npm package that carries std packages. */
export interface Source extends Omit<NpmPackage, "name"> {
  /** Where the code of a std package lies in it. */
  folder(std: string): string;
  /** Where the declarations of a std package lie in it, if it has any. */
  typesFolder?(std: string): string;
}

/** A std package to be made. */
export interface StdPackage {
  /** The version it stands for. */
  version: string;
  /** The name of the npm package it comes from. */
  source: string;
  /** The modules a program may import: their names in the package, without extension; `mod` is the package itself. */
  modules: readonly string[];
}

/** The version of each std package in `keep-a-changelog` and `windmill-cli`, which have it in the path. */
const VERSION_IN_PATH: Record<string, string> = {
  fmt: "1.0.8",
  fs: "1.0.20",
  ini: "0.225.2",
  io: "0.225.2",
  log: "0.224.14",
  yaml: "1.0.10",
};

/** Stands for the one folder there, whatever its name. */
const ANY = "*";

const inDeps = (root: string) => (std: string) =>
  `${root}/deps/${ANY}/@std/${std}/${VERSION_IN_PATH[std]}`;

/** The npm packages by name. */
export const SOURCES: Record<string, Source> = {
  "deno-std": {
    version: "1.3.1",
    integrity:
      "sha512-5H1k/NjBWYeH9OYYBQi/LlvcTyI/hxzaLPz8nXeWbF8nBwdGELXS383g2WMksrUoCrLmAyZ9NKi5hNdkPP3pMg==",
    folder: (std) => std.replaceAll("-", "_"),
  },
  "keep-a-changelog": {
    version: "2.8.0",
    integrity:
      "sha512-RG9LRYRPy9jxBD/TRGoTwOAsWLF8iMcWFnQZP78MZk5a5TgCH9ceLy2wgpHGQHKp7jfAqS//1aj5Gu7U6/+PrA==",
    folder: inDeps("esm"),
    typesFolder: inDeps("esm"),
  },
  "windmill-cli": {
    version: "1.596.0",
    integrity:
      "sha512-5aFVNTOEaGyTKyQlyjFI1FAZ8fTIQ2vGSmnqL3FfZuKpKWdqGXh8p9Azdp8N2MkIwyP1vYtOK9nfQk6jr6tRTw==",
    folder: inDeps("esm"),
    typesFolder: inDeps("types"),
  },
};

/**
 * The std packages by name. Those with modules are the ones deno.json imports; the others are only needed by them.
 * `deno-std` has no declarations: for it they are in `tools/deno/vendor_types`.
 */
export const STD_PACKAGES: Record<string, StdPackage> = {
  // One difference from 1.0.15 is known: to its `equal` two bare ArrayBuffers are equal whatever they hold.
  assert: { version: "1.0.15", source: "deno-std", modules: ["mod"] },
  csv: {
    version: "1.0.6",
    source: "deno-std",
    modules: ["mod", "parse", "parse_stream", "stringify", "stringify_stream"],
  },
  ini: {
    version: "0.225.2",
    source: "keep-a-changelog",
    modules: ["mod", "ini_map", "parse", "stringify"],
  },
  log: {
    version: "0.224.14",
    source: "windmill-cli",
    modules: [
      "mod",
      "base_handler",
      "console_handler",
      "critical",
      "debug",
      "error",
      "file_handler",
      "formatters",
      "get_logger",
      "info",
      "levels",
      "logger",
      "rotating_file_handler",
      "setup",
      "warn",
    ],
  },
  testing: { version: "1.0.16", source: "deno-std", modules: ["mock", "time"] },
  yaml: { version: "1.0.10", source: "windmill-cli", modules: ["mod", "parse", "stringify"] },
  "data-structures": { version: "1.0.9", source: "deno-std", modules: [] },
  fmt: { version: "1.0.8", source: "windmill-cli", modules: [] },
  fs: { version: "1.0.19", source: "windmill-cli", modules: [] },
  internal: { version: "1.0.12", source: "deno-std", modules: [] },
  io: { version: "0.225.2", source: "windmill-cli", modules: [] },
  streams: { version: "1.0.9", source: "deno-std", modules: [] },
};

const TYPES = `${PROJECT_ROOT}/tools/deno/vendor_types`;

/**
 * Makes a folder of std packages unless it is there and current. Throws when a package cannot be had or is not the one
 * that was pinned.
 */
export async function vendorStd(folder: string, force = false): Promise<void> {
  await makeFolder(folder, {
    recipe: await recipeHash(),
    force,
    make: async (into, scratch) => {
      console.error("Making vendor/std from npm packages, in place of JSR.");
      await writeStd(await fetchSources(scratch), into);
    },
  });
}

/** A hash of all that decides what `vendor/std` holds: this file and the declarations. */
async function recipeHash(): Promise<string> {
  const hash = createHash("sha256");
  hash.update(await Deno.readTextFile(`${PROJECT_ROOT}/tools/deno/vendor_std.ts`));
  for (const std of Object.keys(STD_PACKAGES).sort()) {
    for (const name of await fileNames(`${TYPES}/${std}`)) {
      hash.update(`\0${name}\0${await Deno.readTextFile(`${TYPES}/${std}/${name}`)}`);
    }
  }
  return hash.digest("hex");
}

/** Fetches the npm packages; answers the folder of each by name. */
async function fetchSources(into: string): Promise<Map<string, string>> {
  const packages = Object.entries(SOURCES).map(([name, { version, integrity }]) => ({
    name,
    version,
    integrity,
  }));
  return await fetchNpmPackages(packages, { into });
}

/** Writes every std package below `into`: the modules that its public ones reach, with their declarations. */
async function writeStd(sources: Map<string, string>, into: string): Promise<void> {
  const todo = Object.entries(STD_PACKAGES)
    .flatMap(([std, { modules }]) => modules.map((name) => `${std}/${name}.js`));
  const done = new Set<string>();
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (done.has(path)) continue;
    done.add(path);
    todo.push(...await writeModule(path, { sources, into }));
  }
  for (const std of Object.keys(STD_PACKAGES)) {
    for (const name of await fileNames(`${TYPES}/${std}`)) {
      await Deno.copyFile(`${TYPES}/${std}/${name}`, `${into}/${std}/${name}`);
    }
    await writePackageJson(std, into);
  }
}

/**
 * Writes one module, `csv/parse.js`, and its declarations if its npm package has them. Answers the modules that it
 * imports, named the same way.
 */
async function writeModule(
  path: string,
  { sources, into }: { sources: Map<string, string>; into: string },
): Promise<string[]> {
  const { std, file } = splitPath(path);
  const { source } = packageNamed(std);
  const npm = SOURCES[source];
  const folder = sources.get(source);
  if (npm === undefined || folder === undefined) throw new Error(`no npm package ${source}`);
  const declarations = file.replace(/\.js$/, ".d.ts");
  const types = npm.typesFolder === undefined
    ? undefined
    : await readIfThere(await findPath(`${folder}/${npm.typesFolder(std)}/${declarations}`));
  const imports = new Set<string>();
  const rewrite = (text: string) => rewriteImports(text, { from: path, imports });

  await Deno.mkdir(parentOf(`${into}/${path}`), { recursive: true });
  const original = await findPath(`${folder}/${npm.folder(std)}/${file}`);
  let code = rewrite(await Deno.readTextFile(original));
  if (types !== undefined || await isThere(`${TYPES}/${std}/${declarations}`)) {
    code = `// @ts-self-types="./${declarations.split("/").at(-1)}"\n${code}`;
  }
  await Deno.writeTextFile(`${into}/${path}`, code);
  if (types !== undefined) {
    await Deno.writeTextFile(`${into}/${std}/${declarations}`, rewrite(types));
  }
  return [...imports];
}

const IMPORT =
  /^(import (?:[^"';]*? from )?|export (?:type )?(?:\*|\{[^}]*\})(?: as \w+)? from )(["'])([^"'\n]+)\2/gm;
const SHIM_IMPORT = /^import \* as dntShim from .*\n/m;

/** Points the imports of a module at our folders, notes what they reach, and drops what only Node needs. */
function rewriteImports(
  text: string,
  { from, imports }: { from: string; imports: Set<string> },
): string {
  return text
    .replace(/^\/\/# sourceMappingURL=.*$/m, "")
    .replace(SHIM_IMPORT, "")
    .replaceAll("dntShim.dntGlobalThis", "globalThis")
    .replaceAll("dntShim.Deno", "Deno")
    .replace(IMPORT, (_match, before: string, quote: string, specifier: string) => {
      const target = resolveImport(specifier, from);
      imports.add(target.replace(/\.d\.ts$/, ".js"));
      return `${before}${quote}${relativePath(from, target)}${quote}`;
    });
}

/** The module, named `csv/parse.js`, that a relative import means. */
function resolveImport(specifier: string, from: string): string {
  if (!specifier.startsWith(".")) throw new Error(`${from} imports "${specifier}"`);
  const { std, file } = splitPath(from);
  const version = SOURCES[packageNamed(std).source]?.typesFolder && VERSION_IN_PATH[std];
  const parts = parentOf(version ? `${std}/${version}/${file}` : from).split("/");
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.filter((part) => !/^\d+\.\d+\.\d+$/.test(part)).join("/");
}

function relativePath(from: string, to: string): string {
  const up = from.split("/").length - 1;
  const { std, file } = splitPath(to);
  return splitPath(from).std === std && up === 1 ? `./${file}` : `${"../".repeat(up)}${to}`;
}

/** Writes the deno.json that makes Deno take the folder in place of the package on JSR. */
async function writePackageJson(std: string, into: string): Promise<void> {
  const { version, modules } = packageNamed(std);
  const exports = Object.fromEntries(modules.map((name) => [
    name === "mod" ? "." : `./${name.replaceAll("_", "-")}`,
    `./${name}.js`,
  ]));
  const text = JSON.stringify({ name: `@std/${std}`, version, exports, exclude: ["."] }, null, 2);
  await Deno.writeTextFile(`${into}/${std}/deno.json`, `${text}\n`);
}

function packageNamed(std: string): StdPackage {
  const found = STD_PACKAGES[std];
  if (found === undefined) throw new Error(`the recipe lacks the package @std/${std}`);
  return found;
}

function splitPath(path: string): { std: string; file: string } {
  const slash = path.indexOf("/");
  return { std: path.slice(0, slash), file: path.slice(slash + 1) };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Puts the folder that holds `@std` in the place of the star in a path. */
async function findPath(path: string): Promise<string> {
  const [before, after] = path.split(`/${ANY}/`);
  if (before === undefined || after === undefined) return path;
  for await (const { name } of Deno.readDir(before)) {
    if (await isThere(`${before}/${name}/@std`)) return `${before}/${name}/${after}`;
  }
  throw new Error(`${before} has no folder of @std packages`);
}

async function fileNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  if (!await isThere(folder)) return names;
  for await (const entry of Deno.readDir(folder)) names.push(entry.name);
  return names.sort();
}

async function isThere(path: string): Promise<boolean> {
  return await unlessNotFound(Deno.stat(path)) !== undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await unlessNotFound(Deno.readTextFile(path));
}

/** Where it is written down that the packages came from JSR, so that `./denow` need not ask again. */
const JSR_MARKER = `${PROJECT_ROOT}/.deno/std-from-jsr`;

/** How long JSR may take to send all packages. */
const JSR_TIMEOUT_MS = 30_000;

/** What to fetch from JSR: one module of each package that deno.json imports, as `jsr:@std/csv@^1.0.6`. */
export async function jsrSpecifiers(): Promise<string[]> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${PROJECT_ROOT}/deno.json`));
  return Object.entries(STD_PACKAGES).flatMap(([std, { modules: [first] }]) => {
    if (first === undefined) return [];
    return [`${imports[`@std/${std}`]}${first === "mod" ? "" : `/${first}`}`];
  });
}

/** Lets Deno fetch the packages from JSR into its own cache. Answers whether it could. */
async function fetchFromJsr(): Promise<boolean> {
  const fetching = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...await jsrSpecifiers()],
    cwd: PROJECT_ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(JSR_TIMEOUT_MS),
  });
  if (!(await fetching.output()).success) return false;
  await Deno.mkdir(`${PROJECT_ROOT}/.deno`, { recursive: true });
  await Deno.writeTextFile(JSR_MARKER, "");
  return true;
}

async function main(): Promise<void> {
  const vendor = `${PROJECT_ROOT}/vendor/std`;
  const unlessJsr = Deno.args.includes("--unless-jsr");
  if (unlessJsr && !await isThere(vendor) && await fetchFromJsr()) return;
  try {
    await vendorStd(vendor, Deno.args.includes("--force"));
  } catch (error) {
    const jsr = unlessJsr ? "JSR cannot be reached, and " : "";
    const reason = error instanceof Error ? error.message : error;
    console.error(`Cannot make vendor/std: ${jsr}${reason}`);
    Deno.exit(1);
  }
}

if (import.meta.main) await main();
