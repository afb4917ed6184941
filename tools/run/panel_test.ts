import { assert, assertEquals } from "@std/assert";
import type { AgencyView, LotteryView, ServerView } from "../../shared/status/lottery_view.ts";
import { duration, panelLines, type ServerMark, wrap } from "./panel.ts";

function agencyOf(agency: number, changed: Partial<AgencyView> = {}): AgencyView {
  return {
    agency,
    bets: 500 * agency,
    betsExpected: 2000,
    betsPerSecond: 100,
    state: "betting",
    ...changed,
  };
}

function serverOf(name: string, changed: Partial<ServerView> = {}): ServerView {
  return {
    name,
    state: "serving",
    since: "2026-11-27T10:00:00.000Z",
    ready: true,
    reason: null,
    connections: 2,
    waiting: 1,
    betsStored: 1234,
    syncSeconds: 0.0042,
    uptimeSeconds: 65,
    softwareVersion: "1.0.0",
    host: "h",
    pid: 1,
    ...changed,
  };
}

const VIEW: LotteryView = {
  version: 1,
  at: "2026-11-27T10:00:00.000Z",
  source: "servers",
  lottery: { id: "a", createdAt: null, phase: "waiting", winningNumber: null },
  bets: 3000,
  betsExpected: 6000,
  betsPerSecond: 300,
  waitingFor: [1, 2],
  agencies: [agencyOf(1), agencyOf(2), agencyOf(3, { state: "closed", betsPerSecond: 0 })],
  servers: [
    serverOf("server1"),
    serverOf("server2", { ready: false, reason: "the disk is full" }),
    serverOf("server3", {
      state: "silent",
      ready: false,
      reason: "it does not answer",
      connections: null,
      waiting: null,
      uptimeSeconds: null,
    }),
  ],
};

const PLAIN = { columns: 80, colors: false };

Deno.test("panelLines() shows the phase, every agency and every server", () => {
  assertEquals(
    panelLines(VIEW, PLAIN),
    [
      "The draw waits for agencies 1 and 2: 3,000 of 6,000 bets stored, 1 of 3 agencies",
      "closed; 300 bets/s; 10 s left",
      "",
      "agency                                   bets     of  bets/s  state",
      "     1  ███████▌······················    500  2,000     100  betting",
      "     2  ███████████████···············  1,000  2,000     100  betting",
      "     3  ██████████████████████▌·······  1,500  2,000       0  closed",
      "",
      "server   state        served  waiting  stored    sync      up for",
      "server1  ● up              2        1   1,234  4.2 ms  1 min 05 s",
      "server2  ○ not ready       2        1   1,234  4.2 ms  1 min 05 s  the disk is …",
      "server3  ✗ silent          –        –   1,234  4.2 ms           –",
    ],
  );
});

Deno.test("panelLines() has the same words with colors and without", () => {
  const colored = panelLines(VIEW, { ...PLAIN, colors: true });
  // deno-lint-ignore no-control-regex
  const stripped = colored.map((line) => line.replaceAll(/\x1b\[\d+m/g, "").trimEnd());
  assertEquals(stripped, panelLines(VIEW, PLAIN));
  assert(colored.some((line) => line.includes("\x1b[32m● up")));
  assert(colored.some((line) => line.includes("\x1b[31m✗ silent")));
});

Deno.test("panelLines() fits any width and height", () => {
  const agencies = Array.from(
    { length: 500 },
    (_, index) =>
      agencyOf(index + 1, { state: index === 490 ? "betting" : "closed", betsExpected: null }),
  );
  const view = { ...VIEW, agencies, waitingFor: [491] };
  for (const columns of [20, 40, 60, 80, 200]) {
    const lines = panelLines(view, { columns, rows: 30, colors: false });
    for (const line of lines) assert(line.length <= Math.max(columns, 20), `${columns}: ${line}`);
    if (columns >= 80) assert(lines.length <= 30, `${lines.length} lines`);
  }
  const lines = panelLines(view, { columns: 80, rows: 30, colors: false });
  // The one for which the draw waits is shown first.
  assertEquals(lines.find((line) => /^ +\d/.test(line))!.trim().split(" ")[0], "491");
  const others = 500 - lines.filter((line) => /^ *\d/.test(line)).length;
  assertEquals(
    lines.find((line) => line.startsWith("…")),
    `… and ${others} others, all closed`,
  );
});

Deno.test("panelLines() shows a bar as full only when all bets are stored", () => {
  const bars = [0, 1, 1999, 2000, 2500].map((bets) => {
    const view = { ...VIEW, servers: [], agencies: [agencyOf(1, { bets })] };
    return panelLines(view, PLAIN).at(-1)!.trim().split(/ {2}/)[1];
  });
  assertEquals(bars.map((bar) => bar.replaceAll(/[^█]/g, "").length), [0, 0, 29, 30, 30]);
});

Deno.test("panelLines() leaves out what is not known", () => {
  const unknown = { betsExpected: null, betsPerSecond: null };
  const lines = panelLines({
    ...VIEW,
    ...unknown,
    agencies: [agencyOf(1, unknown)],
    servers: [],
  }, PLAIN);
  assertEquals(lines.slice(-2).map((line) => line.trim().split(/ {2,}/).length), [3, 4]);
  assert(!lines.join("\n").includes("/s"));
});

Deno.test("panelLines() sums up servers, those that are up first", () => {
  const servers = Array.from(
    { length: 40 },
    (_, index) => serverOf(`server${index + 1}`, index === 30 ? { state: "silent" } : {}),
  );
  const view = { ...VIEW, servers };
  const marks = new Map<string, ServerMark>([["server40", "restarting"]]);
  const footer = "the footer";
  for (const rows of [16, 24, 40]) {
    const lines = panelLines(view, { columns: 80, rows, colors: false }, { marks, footer });
    assert(lines.length < rows, `${lines.length} of ${rows}`);
    const shown = lines.filter((line) => line.startsWith("server")).slice(1);
    if (rows > 16) {
      assertEquals(shown[1].split(" ").slice(0, 4), ["server40", "", "○", "restarting"]);
    }
    assertEquals(shown[0].split(" ")[0], "server31");
    const left = 40 - shown.length;
    const up = shown.length === 1 ? `${left - 1} of them` : "all";
    assertEquals(lines.at(-3), `… and ${left} others, ${up} up`);
    assertEquals(lines.at(-1), footer);
  }
});

Deno.test("panelLines() shows what goes on instead of the phase, and what up knows of the servers", () => {
  const marks = new Map<string, ServerMark>([["server1", "dead"], ["server3", "starting"]]);
  const lines = panelLines(VIEW, PLAIN, { headline: "Stopping the servers, 2 s", marks });
  assertEquals(lines[0], "Stopping the servers, 2 s");
  const states = lines.slice(-3).map((line) => line.split(/ {2,}/)[1]);
  assertEquals(states, ["✗ dead", "○ not ready", "○ starting"]);
});

Deno.test("panelLines() shows first the agencies whose clients have failed before they closed", () => {
  const agencies = Array.from({ length: 9 }, (_, index) => agencyOf(index + 1));
  agencies[2].state = "closed";
  const failedAgencies = new Set([3, 8]);
  const view = { ...VIEW, agencies, servers: [] };
  const lines = panelLines(view, { ...PLAIN, rows: 9 }, { failedAgencies });
  assertEquals(lines.slice(4), [
    "     8  ██████████████████████████████  4,000  2,000     100  ✗ client failed",
    "     1  ███████▌······················    500  2,000     100  betting",
    "     2  ███████████████···············  1,000  2,000     100  betting",
    "… and 6 others, 1 of them closed",
  ]);
});

Deno.test("wrap() breaks between words, and keeps the indentation", () => {
  assertEquals(wrap("one two three", 7), ["one two", "three"]);
  assertEquals(wrap("  - one two", 8), ["  - one", "  two"]);
  assertEquals(wrap("longer than that", 4), ["longer", "than", "that"]);
});

Deno.test("duration() is read at a glance", () => {
  const times = [0.4, 59, 60, 125, 3599, 3600, 90_000];
  assertEquals(times.map(duration), [
    "0 s",
    "59 s",
    "1 min 00 s",
    "2 min 05 s",
    "59 min 59 s",
    "1 h 00 min",
    "1 d 01 h",
  ]);
});
