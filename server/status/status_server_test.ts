import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { StatusReport } from "../../shared/status/report.ts";
import { needs } from "../../testing/needs.ts";
import { NO_CONNECTIONS } from "../../testing/made_report.ts";
import { CERTIFICATES, testAuthority } from "../../testing/tls_folder.ts";
import { LedgerFigures } from "../ledger/figures.ts";
import type { AgencySeen, Readiness } from "../ledger/ledger.ts";
import { type SeenLedger, ServerStatus } from "./status_report.ts";
import { StatusServer } from "./status_server.ts";
import { keepLog } from "../testing/ledgers.ts";

const IDENTITY = { host: "host-1", pid: 77, version: "1.2.3" };
const CONNECTIONS = { ...NO_CONNECTIONS, served: 3, waiting: 2, lingering: 1 };

const AUDIT = { lines: 7, omitted: 2, failure: null };

/** A ledger that has seen what a test says. */
class FakeLedger implements SeenLedger {
  readonly identity = {
    id: "5e1f0f6e-4c0a-4a8e-9c3b-2f6f0a3a9d11",
    agencies: 3,
    winningNumber: 7574,
    createdAt: "2026-11-27T10:00:00.000Z",
  };
  readonly figures = new LedgerFigures();
  agencies: AgencySeen[] = [1, 2, 3].map(() => ({ bets: 0, isClosed: false }));
  state: Readiness = { isReady: true };
  seen = () => this.agencies;
  readiness = () => this.state;
}

function setUp() {
  let nowMs = 1000;
  const now = () => nowMs;
  const status = new ServerStatus(IDENTITY, now);
  const server = new StatusServer({ ip: "127.0.0.1", port: 0, status, now });
  const ledger = new FakeLedger();
  const get = (path: string, accept = "") => {
    // Answers are made anew after a moment.
    nowMs += 1000;
    const { status, type, body } = server.answer({ method: "GET", path, accept });
    return { status, type, text: new TextDecoder().decode(body) };
  };
  return {
    status,
    ledger,
    get,
    report: () => JSON.parse(get("/status").text) as StatusReport,
    serve: () =>
      status.serving({
        port: 12345,
        connections: () => CONNECTIONS,
        invalidPackets: 4,
        audit: () => AUDIT,
      }, ledger),
    pass: (timeMs: number) => nowMs += timeMs,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("StatusServer says live from the start, and ready from opening the ledger until it stops", async () => {
  await using test = setUp();
  const ready = () => {
    const { status, text } = test.get("/readyz");
    assertEquals(test.get("/livez").text, "live\n");
    assertEquals(test.report().server.ready, status === 200);
    return `${status} ${text.trim()}`;
  };
  assertEquals(ready(), "503 not ready: the server is opening its ledger");
  assertEquals([test.report().lottery, test.report().connections], [null, null]);
  test.serve();
  assertEquals(ready(), "200 ready");
  test.ledger.state = { isReady: false, reason: "the disk is full" };
  assertEquals(ready(), "503 not ready: the disk is full");
  assertEquals(test.report().server.reason, "the disk is full");
  test.ledger.state = { isReady: true };
  test.status.stopping();
  assertEquals(ready(), "503 not ready: the server stops");
  assertEquals(test.report().server.state, "stopping");
});

Deno.test("StatusServer shows the phase of the lottery, and the number only after the draw", async () => {
  await using test = setUp();
  test.serve();
  const lottery = () => {
    const { phase, winningNumber, bets, closed } = test.report().lottery!;
    return [phase, winningNumber, bets, closed];
  };
  assertEquals(lottery(), ["betting", null, 0, 0]);
  test.ledger.agencies[1] = { bets: 7, isClosed: true };
  test.ledger.agencies[2] = { bets: 5, isClosed: false };
  assertEquals(lottery(), ["waiting", null, 12, 1]);
  assert(!JSON.stringify(test.report()).includes("7574"));
  assert(!test.get("/metrics").text.includes("7574"));
  for (const agency of test.ledger.agencies) agency.isClosed = true;
  assertEquals(lottery(), ["drawn", 7574, 12, 3]);
  assertEquals(test.report().lottery!.agencies[1], { agency: 2, bets: 7, closed: true });
});

Deno.test("StatusServer shows quantiles of the last minute", async () => {
  await using test = setUp();
  test.serve();
  const { syncSeconds } = test.ledger.figures;
  const quantiles = () => test.report().ledger!.syncSeconds;
  assertEquals(quantiles(), { count: 0, p50: null, p95: null, p99: null });
  for (let time = 0; time < 98; time++) syncSeconds.observe(0.0004);
  syncSeconds.observe(2);
  syncSeconds.observe(3);
  const { count, p50, p95, p99 } = quantiles();
  assertEquals(count, 100);
  assert(p50! > 0.00025 && p50! <= 0.0005, String(p50));
  assert(p95! > 0.00025 && p95! <= 0.0005, String(p95));
  assert(p99! > 1 && p99! <= 5, String(p99));
  // What is older than a minute does not count, although the histogram keeps it.
  for (let time = 0; time < 14; time++) {
    test.pass(5000);
    quantiles();
  }
  assertEquals(quantiles(), { count: 100, p50: null, p95: null, p99: null });
  syncSeconds.observe(0.02);
  assert(quantiles().p50! > 0.01);
});

Deno.test("StatusServer makes an answer once for all that ask in the same moment", async () => {
  await using test = setUp();
  test.serve();
  let seen = 0;
  test.ledger.seen = () => {
    seen++;
    return test.ledger.agencies;
  };
  const status = new ServerStatus(IDENTITY, () => 0);
  status.serving(
    { port: 1, connections: () => CONNECTIONS, invalidPackets: 0, audit: () => AUDIT },
    test.ledger,
  );
  await using server = new StatusServer({ ip: "127.0.0.1", port: 0, status, now: () => 0 });
  for (let time = 0; time < 50; time++) {
    server.answer({ method: "GET", path: "/status", accept: "" });
  }
  assertEquals(seen, 1);
});

Deno.test("StatusServer shows the same figures as metrics, in the format that the client accepts", async () => {
  await using test = setUp();
  test.serve();
  test.ledger.agencies[0] = { bets: 41, isClosed: true };
  const { figures } = test.ledger;
  figures.rounds = 3;
  figures.refused.closed = 2;
  figures.lockWaitSeconds.observe(0.3);
  const prometheus = test.get("/metrics");
  assertEquals(prometheus.type, "text/plain; version=0.0.4; charset=utf-8");
  for (
    const line of [
      "lottery_ready 1",
      'lottery_build_info{version="1.2.3"} 1',
      'lottery_connections{state="waiting"} 2',
      "lottery_bets 41",
      'lottery_agency_bets{agency="1"} 41',
      'lottery_agency_closed{agency="2"} 0',
      "lottery_rounds_total 3",
      'lottery_batches_refused_total{reason="closed"} 2',
      'lottery_batches_refused_total{reason="invalid"} 4',
      'lottery_lock_wait_seconds_bucket{le="0.5"} 1',
      "lottery_lock_wait_seconds_sum 0.3",
    ]
  ) assertStringIncludes(`\n${prometheus.text}`, `\n${line}\n`);
  const open = test.get("/metrics", "application/openmetrics-text; version=1.0.0");
  assertMatch(open.type, /^application\/openmetrics-text; version=1\.0\.0/);
  assert(open.text.endsWith("\n# EOF\n"));
});

Deno.test("StatusServer has no metric for each of very many agencies, and one for each of 250", async () => {
  await using test = setUp();
  test.serve();
  test.ledger.agencies = Array.from({ length: 250 }, () => ({ bets: 1, isClosed: false }));
  assertStringIncludes(test.get("/metrics").text, 'lottery_agency_bets{agency="250"} 1\n');
  test.ledger.agencies.push({ bets: 1, isClosed: false });
  const { text } = test.get("/metrics");
  assert(!text.includes("lottery_agency_bets"));
  assertStringIncludes(text, "lottery_bets 251\n");
  assertEquals(test.report().lottery!.agencies.length, 251);
});

Deno.test("StatusServer names its paths to those who ask for another one", async () => {
  await using test = setUp();
  const { status, text } = test.get("/");
  assertEquals([status, text], [404, "there are /livez, /readyz, /status and /metrics\n"]);
});

Deno.test({
  ...needs(CERTIFICATES, "StatusServer answers over TLS, and nothing without it"),
  async fn() {
    await using test = await testAuthority();
    const files = await test.authority.issue({ name: "server", hosts: ["localhost"] });
    await using server = new StatusServer({
      ip: "127.0.0.1",
      port: 0,
      status: new ServerStatus(IDENTITY, () => 0),
      tls: { files, log: keepLog().log },
    });
    using client = Deno.createHttpClient({ caCerts: [test.ca] });
    const response = await fetch(`https://localhost:${server.port}/livez`, { client });
    assertEquals(await response.text(), "live\n");
    await assertRejects(() => fetch(`http://localhost:${server.port}/livez`));
  },
});
