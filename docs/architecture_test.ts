import { assert, assertEquals } from "@std/assert";
import { filesBelow, isProductModule, readProjectFile } from "./testing.ts";

/** Folders inside a top folder that are components of their own. */
const INNER_COMPONENTS = [
  ...["shared/simd", "shared/status", "server/status", "server/certificate"],
  ...["server/gate", "server/transport"],
  "server/audit",
  ...["server/ledger", "server/ledger/file", "server/ledger/jetstream"],
  ...["tools/run", "tools/check", "tools/doctor", "tools/deno", "tools/record"],
  ...["e2e/faults", "e2e/simulation", "e2e/soak"],
];
/** `compile` uses it as a library; continuous integration runs it. */
const LIBRARY_AND_PROGRAM = "tools/deno/stand_in_compiler.ts";
const picture = /^```mermaid\n([^]*?)^```$/m.exec(readProjectFile("docs/architecture.md"))![1];
const modules = filesBelow("").filter((path) => path.endsWith(".ts") && path.includes("/"));
const productModules = modules.filter(isProductModule);

/** An import: the importing module and the imported one, by their paths below the project's root. */
type Import = [from: string, to: string];

/** Returns the modules of this project that a module imports. */
function importsOf(path: string): Import[] {
  const source = readProjectFile(path);
  const statements = source.matchAll(/^(?:import|export)\s(?:[^"';()]*?\sfrom\s)?"(\.[^"]+)"/gm);
  const calls = source.matchAll(/^[^*\n]*\bimport\("(\.[^"]+)"\)/gm);
  const base = new URL(path, "file:///");
  return [...statements, ...calls]
    .map(([, specifier]) => new URL(specifier, base).pathname.slice(1))
    .filter((target) => target.endsWith(".ts"))
    .map((target) => [path, target]);
}

/** Returns the component of a module: its innermost folder that is one. */
function componentOf(path: string): string {
  const inner = INNER_COMPONENTS.filter((component) => path.startsWith(`${component}/`));
  return inner.sort((a, b) => b.length - a.length)[0] ?? path.split("/")[0];
}

function idOf(component: string): string {
  return component.replaceAll("/", "_");
}

/** Returns the groups of the picture from top to bottom, each with the identifiers of its components. */
function drawnGroups(): string[][] {
  const groups = picture.matchAll(/^ {2}subgraph \w+ \[.*\]\n([^]*?)^ {2}end$/gm);
  return Array.from(
    groups,
    ([, group]) => Array.from(group.matchAll(/^\s*(\w+)\[/gm), ([, id]) => id),
  );
}

/** Returns the arrows of the picture, `a --> b`. */
function drawnArrows(): string[] {
  const lines = Array.from(picture.matchAll(/^\s*(\w+) --> (.*)$/gm));
  return lines.flatMap(([, from, to]) =>
    to.split(" & ").map((component) => `${from} --> ${component}`)
  );
}

/** Returns the arrows that the imports make, `a --> b`. */
function importedArrows(): string[] {
  const arrows = productModules.flatMap(importsOf)
    .map(([from, to]) => [idOf(componentOf(from)), idOf(componentOf(to))])
    .filter(([from, to]) => from !== to)
    .map(([from, to]) => `${from} --> ${to}`);
  return [...new Set(arrows)].sort();
}

/** Returns arrows as lines for the picture, one for each component that they start from. */
function linesOf(arrows: string[]): string {
  const targets = Map.groupBy(arrows.map((arrow) => arrow.split(" --> ")), ([from]) => from);
  return Array.from(
    targets,
    ([from, pairs]) => `  ${from} --> ${pairs.map(([, to]) => to).join(" & ")}`,
  )
    .join("\n");
}

/** Fails if one of the imports breaks a rule, and names it. */
function assertNoImport(paths: string[], isForbidden: (from: string, to: string) => boolean) {
  const found = paths.flatMap(importsOf).filter(([from, to]) => isForbidden(from, to));
  assertEquals(found.map(([from, to]) => `${from} imports ${to}`), []);
}

Deno.test("docs/architecture.md shows every component once", () => {
  const drawn = Array.from(picture.matchAll(/^\s*(\w+)\["(.*)\/"\]$/gm), ([, id, component]) => {
    assertEquals(id, idOf(component));
    return component;
  });
  assertEquals(drawn.sort(), [...new Set(modules.map(componentOf))].sort());
});

Deno.test("docs/architecture.md draws an arrow for each import between components, and no other", () => {
  const [drawn, imported] = [drawnArrows(), importedArrows()];
  const missing = imported.filter((arrow) => !drawn.includes(arrow));
  const surplus = drawn.filter((arrow) => !imported.includes(arrow));
  if (missing.length + surplus.length === 0) return;
  throw new Error(
    `The picture in docs/architecture.md differs from the imports.
Missing: ${missing.join(", ") || "nothing"}
Surplus: ${surplus.join(", ") || "nothing"}
If the imports are right, replace all its arrows by:

${linesOf(imported)}
`,
  );
});

Deno.test("docs/architecture.md draws no arrow from one group up to another", () => {
  const groups = drawnGroups();
  assertEquals(groups.length, 4);
  const rankOf = (id: string) => groups.findIndex((group) => group.includes(id));
  const upward = drawnArrows().filter((arrow) => {
    const [from, to] = arrow.split(" --> ").map(rankOf);
    return from > to && to >= 0;
  });
  assertEquals(upward, []);
});

Deno.test("server/ and client/ do not import each other, not even in tests", () => {
  const sides = ["server/", "client/"];
  assertNoImport(modules, (from, to) =>
    sides.some((side) => from.startsWith(side)) &&
    sides.some((side) => to.startsWith(side) && !from.startsWith(side)));
});

Deno.test("shared/ imports nothing above it", () => {
  assertNoImport(
    productModules,
    (from, to) => from.startsWith("shared/") && !to.startsWith("shared/"),
  );
});

Deno.test("no module imports a program", () => {
  const programs = productModules.filter((path) =>
    path !== LIBRARY_AND_PROGRAM && /^if \(import\.meta\.main\)/m.test(readProjectFile(path))
  );
  assert(programs.length > 10);
  assertNoImport(productModules, (_, to) => programs.includes(to));
});

Deno.test("in server/, only main.ts knows an engine of the ledger", () => {
  const isEngine = (path: string) => /^server\/ledger\/\w+\//.test(path);
  assertNoImport(
    productModules,
    (from, to) =>
      from.startsWith("server/") && from !== "server/main.ts" && !isEngine(from) && isEngine(to),
  );
});

Deno.test("only tests and the folders that test or measure import testing/", () => {
  assertNoImport(
    productModules,
    (from, to) => to.startsWith("testing/") && !/^(testing|e2e|bench)\//.test(from),
  );
});
