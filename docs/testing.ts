/**
 * What the tests of the documents share: they hold texts and tables to the code.
 *
 * @module
 */

/** URL of the project's root folder, with a trailing slash. */
const ROOT = new URL("../", import.meta.url);
/** Folders that tools or users make, and those of other people's code. */
const FOREIGN_FOLDERS = /^(\.(?!ci$|github$).*|dist|node_modules|shared-volume|vendor)$/;

/** Returns the text of a file, given by its path below the project's root. */
export function readProjectFile(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** Returns whether a file or folder exists, given by its path below the project's root. */
export function existsInProject(path: string): boolean {
  try {
    Deno.statSync(new URL(path, ROOT));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Returns the paths of the project's own files below a folder (`server/`), sorted, relative to the root. */
export function filesBelow(folder: string): string[] {
  const paths = Array.from(Deno.readDirSync(new URL(folder, ROOT))).flatMap((entry) => {
    if (!entry.isDirectory) return entry.isFile ? [`${folder}${entry.name}`] : [];
    return FOREIGN_FOLDERS.test(entry.name) ? [] : filesBelow(`${folder}${entry.name}/`);
  });
  return paths.sort();
}

/** Whether a module is code of the product or its tools, and not of their tests or benchmarks. */
export function isProductModule(path: string): boolean {
  const isTestCode = /_(test|bench)\.ts$|\/testing(\.ts$|\/)/.test(path);
  return path.endsWith(".ts") && !path.endsWith(".d.ts") && !isTestCode;
}

/**
 * Returns the rows of a table in a document, without its head. Cells have neither padding nor backticks.
 *
 * @param mark The comment before the table: `settings:env` for `<!-- settings:env -->`.
 */
export function tableRows(document: string, mark: string): string[][] {
  const [, afterMark] = document.split(`<!-- ${mark} -->`);
  const [table] = afterMark.trimStart().split("\n\n");
  return table.trimEnd().split("\n").slice(2).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", ""))
  );
}

/** The fields of quantiles, which a table names as one type. */
const QUANTILES = ["count", "p50", "p95", "p99"];

/** Returns the fields below a value, each with its type. */
export function* fieldsOf(value: unknown, path: string): Generator<[string, string]> {
  for (const [key, inner] of Object.entries(value as Record<string, unknown>)) {
    const name = path === "" ? key : `${path}.${key}`;
    if (Array.isArray(inner)) {
      yield [name, "array"];
      if (typeof inner[0] === "object") yield* fieldsOf(inner[0], `${name}[]`);
    } else if (typeof inner !== "object" || inner === null) yield [name, typeof inner];
    else if (QUANTILES.every((quantile) => quantile in inner)) yield [name, "quantiles"];
    else {
      yield [name, "object"];
      yield* fieldsOf(inner, name);
    }
  }
}
