import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAIN_CASE } from "./intake.ts";
import { markNoise, spreadOf } from "./spread.ts";
import {
  formatColdDraws,
  formatCrowds,
  formatGrowth,
  formatIntake,
  formatLedgers,
  formatLedgerStarts,
  formatSpread,
} from "./tables.ts";

const MEGABYTES_47 = 47_000_000;

Deno.test("formatSpread() shows three significant digits, or all before the decimal point", () => {
  assertEquals(formatSpread(spreadOf([1.2345, 0.5, 20.04])), "1.23 (0.50–20.0)");
  assertEquals(formatSpread(spreadOf([1_866_803, 1_395_261]), 1e-3), "1,631 (1,395–1,867)");
  assertEquals(formatSpread(spreadOf([735])), "735");
  assertEquals(formatSpread(undefined), "");
});

Deno.test("formatColdDraws() shows figures that are not above their floor as noise", () => {
  const row = {
    rows: 1_000_000,
    bytes: MEGABYTES_47,
    unknownMs: markNoise(spreadOf([1660])),
  };
  const busy = formatColdDraws([{ ...row, coldMs: markNoise(spreadOf([-29, 28, 30])) }]);
  assertStringIncludes(busy, "| 28.0 (noise–30.0) |");
  const noise = formatColdDraws([{ ...row, coldMs: markNoise(spreadOf([-29, 0])) }]);
  assertStringIncludes(noise, "|   noise |");
});

Deno.test("tables of the largest figures fit into 100 columns", () => {
  const figures = {
    ...MAIN_CASE,
    connections: 100,
    rows: 20_000_000,
    betsPerSecond: spreadOf([1_395_261, 1_866_803, 1_922_412]),
    floor: "file" as const,
    floorBetsPerSecond: spreadOf([3_863_799]),
    ratio: spreadOf([0.32, 0.45, 0.55]),
    ratioToFloor: { file: spreadOf([0.32, 0.45, 0.55]), log: spreadOf([0.75, 10.82, 11.06]) },
    ratioToOneEmpty: spreadOf([0.75, 0.82, 1.06]),
    ratioToOther: spreadOf([0.75, 10.82, 11.06]),
    cpuRatioToOther: spreadOf([0.75, 10.82, 11.06]),
    p50Ms: spreadOf([10.4, 10.81, 11.75]),
    p99Ms: spreadOf([26.87, 29.69, 135.42]),
    cpuSecondsPerMillion: spreadOf([43.03]),
    floorCpuSecondsPerMillion: spreadOf([26.44]),
    peakBytes: 199e6,
  };
  const ledger = {
    ...{ nats: "2.10.27", agencies: 100, what: "publish without condition" },
    ...figures,
    ofPublish: spreadOf([10.55, 16.6, 113.2]),
    ofServer: spreadOf([10.55, 16.6, 113.2]),
    ofSync: spreadOf([7.06, 12.6, 19.4]),
  };
  const times = spreadOf([14_578, 16_831, 21_727]);
  const start = { nats: "2.10.27", bets: 100_000_000, answerMs: times, winnersMs: times };
  const crowd = {
    ...{ nats: "2.10.27", agencies: 9999, servers: 20, batches: 10, bets: 100 },
    ...{ atOnce: 9999, answerMaxMs: 11_250, unanswered: 12_345 },
    ...{ startSeconds: 120, storeSeconds: 1250, batchesPerSecond: 1784, drawSeconds: 110 },
    ...{ serverPeakBytes: 1205e6, nodePeakBytes: 1120e6 },
  };
  const tables = [
    formatIntake([figures]),
    formatGrowth([figures]),
    formatLedgers([ledger]),
    formatLedgerStarts([start]),
    formatCrowds([crowd]),
  ];
  for (const line of tables.join("\n").split("\n")) assert(line.length <= 100, line);
});
