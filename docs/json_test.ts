import { assertEquals } from "@std/assert";
import { tempFolder } from "../testing/temp_folder.ts";
import { needs } from "../testing/needs.ts";
import { examine } from "../tools/check/examination.ts";
import { comparisonReport } from "../tools/check/comparison_report.ts";
import { volumeReport } from "../tools/check/json_report.ts";
import { doctorReport } from "../tools/doctor/finding.ts";
import { JSON_VERSION, jsonLine, type JsonReport } from "../tools/json_reports.ts";
import { reportRun, resultReport } from "../tools/run/report.ts";
import { fieldsOf, readProjectFile, tableRows } from "./testing.ts";

const document = readProjectFile("docs/json.md");

/** Asserts that a table of the document names exactly the fields that are printed, with their types. */
function assertDocumented(report: JsonReport): void {
  const printed = JSON.parse(jsonLine(report));
  assertEquals([printed.type, printed.version], [report.type, JSON_VERSION]);
  const rows = tableRows(document, `json:${report.type}`);
  assertEquals(
    rows.map(([name, type]) => [name, type.replace(" or null", "")]),
    [...fieldsOf(printed, "")],
  );
  const meanings = new Map(rows.map(([name, _, meaning]) => [name, meaning]));
  assertEquals(meanings.get("version"), String(JSON_VERSION));
  assertEquals(meanings.get("type"), report.type);
}

Deno.test("docs/json.md names exactly the fields of what up prints", () => {
  assertDocumented({ type: "message", text: "a text" });
  const result = { agency: 1, sent: 3, stored: 3, winners: ["11"], exitCode: 0, reason: null };
  const report = reportRun({
    clients: [{ agency: 1, closed: true, exitCode: 0 }],
    servers: [],
    elapsedMs: 1000,
  }, {
    results: new Map([[1, result]]),
    tallies: new Map([[1, { stored: 3, documents: ["11"] }]]),
    closed: new Set([1]),
    samples: [],
    place: "bets.csv",
  });
  assertDocumented(resultReport(report, { exitCode: 0, location: "bets.csv", log: "up.log" }));
});

Deno.test(
  needs(["write"], "docs/json.md names exactly the fields of what check prints"),
  async () => {
    await using folder = tempFolder();
    await Deno.writeTextFile(`${folder.path}/bets.csv`, "1,Ana,Gil,1,1990-02-28,1\nno bet\n");
    const found = await examine(folder.path, { agencies: 2, waitMs: 1000 });
    const report = volumeReport(found, { volume: folder.path, agencies: 2 });
    assertEquals([report.bets, report.exitCode, report.faults[0].first[0].number], [1, 4, 2]);
    assertDocumented(report);
    const comparison = { stored: 3, inFile: 4, difference: undefined };
    assertDocumented(comparisonReport(comparison, { agency: 1, data: "agency-1.csv" }));
  },
);

Deno.test("docs/json.md names exactly the fields of what doctor prints", () => {
  const report = doctorReport([
    { name: "disk", level: "ok", text: "a text" },
    { name: "lock", level: "fault", text: "a text" },
  ]);
  assertEquals(report.exitCode, 1);
  assertDocumented(report);
});

Deno.test("docs/json.md names every type", () => {
  const types: Record<JsonReport["type"], true> = {
    status: true,
    message: true,
    result: true,
    check: true,
    comparison: true,
    doctor: true,
  };
  const headings = Array.from(document.matchAll(/^## (.+)$/gm), ([, heading]) => heading);
  assertEquals(headings, Object.keys(types));
});
