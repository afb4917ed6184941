import { assert } from "@std/assert";
import { readProjectFile, tableRows } from "./testing.ts";

Deno.test("README.md states the figure that docs/performance.md gives for one server", () => {
  const rows = tableRows(readProjectFile("docs/performance.md"), "performance:intake");
  const row = rows.find(([servers, agencies, packet]) =>
    servers === "1" && agencies === "5" && packet === "100 bets"
  );
  assert(row !== undefined);
  const betsPerSecond = Number(row[3].split(" ")[0].replaceAll(",", ""));
  const rounded = (Math.round(betsPerSecond / 5000) * 5000).toLocaleString("en-US");
  const ofTheFloor = row[4].split(" ")[0];
  const readme = readProjectFile("README.md").replaceAll("\n", " ");
  for (const figure of [`about ${rounded} bets per second`, `It is ${ofTheFloor} of the rate`]) {
    assert(readme.includes(figure), `README.md does not say "${figure}"`);
  }
});
