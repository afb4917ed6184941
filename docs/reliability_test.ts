import { assert, assertEquals } from "@std/assert";
import { existsInProject, readProjectFile, tableRows } from "./testing.ts";

const document = readProjectFile("docs/reliability.md");
/** The tables of events, with the tests that hold what happens now. */
const EVENT_TABLES = ["strangers", "clocks", "disks", "agencies", "operators"];
/** Tests: their file, and their names in quotes. A remark in parentheses may follow. */
const TESTS = /^(\S+_test\.ts): ("[^"]+"(?:, "[^"]+")*)(?: \(.*\))?$/;

/** Returns whether a file has a test of a name, in which `…` stands for a `${…}` of the source. */
function hasTest(path: string, name: string): boolean {
  if (!existsInProject(path)) return false;
  const parts = name.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`(["\`])${parts.join("\\$\\{[^}\\n]*\\}")}\\1`).test(readProjectFile(path));
}

for (
  const { table, module, constant } of [
    { table: "reliability:runs", module: "mod.ts", constant: "SCENARIOS" },
    { table: "reliability:node-runs", module: "nodes/mod.ts", constant: "NODE_SCENARIOS" },
  ]
) {
  Deno.test(`docs/reliability.md describes exactly the fault runs of ${constant}`, () => {
    const source = readProjectFile(`e2e/faults/scenarios/${module}`);
    const [, scenarios] = source.split(`\nexport const ${constant}`);
    const runs = Array.from(scenarios.matchAll(/^ {2}"?([\w-]+)"?: \{$/gm), ([, name]) => name);
    assertEquals(tableRows(document, table).map(([name]) => name), runs);
  });
}

Deno.test("docs/reliability.md names tests that exist, or says why there is none", () => {
  const rows = EVENT_TABLES.flatMap((table) => tableRows(document, `reliability:${table}`));
  assert(rows.length > 30);
  const missing = rows.flatMap(([event, , tests]) =>
    tests.split(/; (?=\S+_test\.ts: |not tested: )/).filter((entry) => {
      if (entry.startsWith("not tested: ")) return false;
      const [, path, names] = TESTS.exec(entry) ?? [];
      return !names?.slice(1, -1).split('", "').every((name) => hasTest(path, name));
    }).map((entry) => `${event}: ${entry}`)
  );
  assertEquals(missing, []);
});
