import { assert, assertEquals } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { volumeDraws } from "../tools/record/draw_sources.ts";
import { DRAW_STATES, listDraw } from "../tools/record/draws.ts";
import { drawnVolume } from "../tools/record/testing/drawn_volume.ts";
import { AUDITED } from "../server/audit/audit_files.ts";
import { LINES_AT_ONCE, LINES_PER_SECOND } from "../server/audit/line_budget.ts";
import { CERTIFICATE_VERSION } from "../server/certificate/certificate.ts";
import { fieldsOf, readProjectFile, tableRows } from "./testing.ts";

const document = readProjectFile("docs/record.md");

Deno.test({
  ...needs(
    ["write"],
    "docs/record.md names exactly the fields of a certificate, in their order, with their types",
  ),
  async fn() {
    await using volume = await drawnVolume({ hasAudit: true });
    const path = `${volume.path}/draws/${volume.id}/result.json`;
    const fields = [...fieldsOf(JSON.parse(await Deno.readTextFile(path)), "")];
    const rows = tableRows(document, "record:result");
    assertEquals(rows.map(([name, type]) => [name, type]), fields);
    assert(rows[0][2].endsWith(`: ${CERTIFICATE_VERSION}`));
  },
});

Deno.test({
  ...needs(
    ["write"],
    "docs/record.md names exactly the fields of a listing, and the states of a draw",
  ),
  async fn() {
    await using volume = await drawnVolume();
    const [source] = await volumeDraws(volume.path);
    const listing = await listDraw(source, { volume: volume.path, verifies: false });
    const rows = tableRows(document, "record:listing");
    const types = [...fieldsOf({ ...listing, auditLines: 0, difference: "" }, "")];
    assertEquals(rows.map(([name, type]) => [name, type.replace(" or null", "")]), types);
    const state = rows.find(([name]) => name === "state")![2];
    assertEquals(state.split(/, | or /), [...DRAW_STATES]);
  },
});

Deno.test("docs/record.md has the exit codes of verify as its usage has them", () => {
  const usage = readProjectFile("tools/verify.ts");
  const codes = [...document.matchAll(/^\| (\d) {9}\| (.*?) *\|$/gm)].map(([, code]) => code);
  const used = [...usage.matchAll(/^ {2}(\d) {2}\S/gm)].map(([, code]) => code);
  assertEquals(codes, used);
});

Deno.test("docs/record.md explains every kind of line of an audit log", () => {
  assertEquals(tableRows(document, "record:audit").map(([name]) => name), [...AUDITED]);
  const text = document.replaceAll("\n", " ");
  const limit = `more than ${LINES_PER_SECOND} a second, after the first ${LINES_AT_ONCE}`;
  assert(text.includes(limit), limit);
});
