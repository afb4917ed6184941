import { assert, assertEquals } from "@std/assert";
import { LotteryWatch } from "../shared/status/lottery_watch.ts";
import { PHASES, SERVER_STATES, STATUS_VERSION } from "../shared/status/report.ts";
import { LedgerFigures } from "../server/ledger/figures.ts";
import { AGENCY_METRICS_MAX, metricsOf } from "../server/status/metrics.ts";
import { ServerStatus } from "../server/status/status_report.ts";
import { HTTP_LIMITS } from "../server/status/http.ts";
import { NO_CONNECTIONS } from "../testing/made_report.ts";
import { fieldsOf, readProjectFile, tableRows } from "./testing.ts";

const document = readProjectFile("docs/status.md");
const fields = tableRows(document, "status:report");

/** A server that serves and whose lottery is drawn, so that every field has a value. */
function servingServer(): ServerStatus {
  const status = new ServerStatus({ host: "h", pid: 1, version: "1" }, () => 0);
  const figures = new LedgerFigures();
  const identity = { id: "", agencies: 1, winningNumber: 7, createdAt: "" };
  const audit = () => ({ lines: 1, omitted: 0, failure: "the disk is full" });
  status.serving({ port: 1, connections: () => NO_CONNECTIONS, invalidPackets: 0, audit }, {
    identity,
    figures,
    seen: () => [{ bets: 1, isClosed: true }],
    readiness: () => ({ isReady: false, reason: "a reason" }),
  });
  figures.syncSeconds.observe(0.001);
  return status;
}

Deno.test("docs/status.md names exactly the fields of a report, in their order, with their types", () => {
  const report = [...fieldsOf(servingServer().report(), "")];
  assertEquals(fields.map(([name, type]) => [name, type.replace(" or null", "")]), report);
});

Deno.test("docs/status.md names exactly the fields of a view, in their order, with their types", async () => {
  let nowMs = 0;
  const watch = new LotteryWatch({
    addresses: () => [{ name: "server1", hostname: "", port: 0 }],
    ask: () => Promise.resolve(servingServer().report()),
    betsExpected: [1],
    now: () => nowMs += 1000,
  });
  await watch.look();
  const view = [...fieldsOf(await watch.look(), "")];
  const rows = tableRows(document, "status:view");
  // The lottery of the test waits for nobody.
  assertEquals(rows.map(([name, type]) => [name, type.replace(" or null", "")]), view);
});

Deno.test("docs/status.md says which fields may be null", () => {
  const starting = new ServerStatus({ host: "h", pid: 1, version: "1" }, () => 0).report();
  const betting = servingServer().report().lottery!;
  const nulls = Object.entries({ ...starting, ...starting.server })
    .filter(([, value]) => value === null).map(([name]) => name);
  assert(betting.winningNumber !== null);
  const named = fields.filter(([, type]) => type.endsWith(" or null")).map(([name]) =>
    name.replace("server.", "")
  );
  assertEquals(named.sort(), [...nulls, "reason", "lottery.winningNumber", "audit.failure"].sort());
});

Deno.test("docs/status.md names exactly the metrics, in their order, with their types", () => {
  const status = servingServer();
  const suffixes: Record<string, string> = { counter: "_total", info: "_info" };
  const metrics = metricsOf(status.report(), status.figures, { bytes: 1, freeBytes: 1 })
    .map(({ name, type }) => [`${name}${suffixes[type] ?? ""}`, type]);
  const rows = tableRows(document, "status:metrics").map(([name, type]) => [name, type]);
  assertEquals(rows, metrics);
});

Deno.test("docs/status.md states versions, phases, states and limits as they are", () => {
  const row = (name: string) => fields.find(([field]) => field === name)!.at(-1)!;
  assertEquals(row("version"), String(STATUS_VERSION));
  for (const state of SERVER_STATES) assert(row("server.state").includes(state), state);
  for (const phase of PHASES) assert(row("lottery.phase").includes(`${phase}:`), phase);
  const { connectionsMax, deadlineMs, headBytesMax, requestsPerSecondMax } = HTTP_LIMITS;
  const text = document.replaceAll("\n", " ");
  for (
    const statement of [
      `${deadlineMs / 1000} seconds for a request`,
      `${connectionsMax} clients are connected at a time`,
      `at most ${headBytesMax / 1024} KiB`,
      `at most ${requestsPerSecondMax} requests are answered in a second`,
      `at most ${AGENCY_METRICS_MAX} agencies`,
    ]
  ) assert(text.includes(statement), statement);
});
