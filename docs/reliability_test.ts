import { assertEquals } from "@std/assert";
import { readProjectFile, tableRows } from "./testing.ts";

Deno.test("docs/reliability.md describes exactly the fault runs that exist", () => {
  const source = readProjectFile("e2e/faults/scenarios/mod.ts");
  const [, scenarios] = source.split("\nexport const SCENARIOS");
  const runs = Array.from(scenarios.matchAll(/^ {2}"?([\w-]+)"?: \{$/gm), ([, name]) => name);
  const rows = tableRows(readProjectFile("docs/reliability.md"), "reliability:runs");
  assertEquals(rows.map(([name]) => name), runs);
});
