/**
 * The figures of the benchmark as tables: of Markdown, legible as plain text, at most 100 columns wide.
 *
 * @module
 */

import type { BesideFigures } from "./beside/beside.ts";
import type { ClientsFigures } from "./clients.ts";
import type { CrowdFigures } from "./crowd.ts";
import type { ColdDrawFigures, WarmDrawFigures } from "./draw.ts";
import type { GateFigures } from "./gate.ts";
import { BETS_UNLIMITED, type IntakeCase, type IntakeFigures } from "./intake.ts";
import type { LedgerFigures } from "./ledgers.ts";
import type { LedgerStartsFigures } from "./ledger_starts.ts";
import type { QuestionsFigures } from "./questions.ts";
import type { Spread } from "./spread.ts";
import type { StartupFigures } from "./startup.ts";
import type { WatchedFigures } from "./watched.ts";

/** The columns of a table: each heading, and what formats a row's cell. */
type Columns<Row> = Readonly<Record<string, (row: Row) => string>>;

/** Formats the starts of programs. */
export function formatStartup(figures: readonly StartupFigures[]): string {
  return formatTable(figures, {
    "start of": (row) => row.program,
    "ms": (row) => formatSpread(row.ms),
    "of an empty program": (row) => formatSpread(row.ratio),
  });
}

/** Formats the intake under different loads. */
export function formatIntake(figures: readonly IntakeFigures[]): string {
  return formatIntakeTables(figures, "of one server", {
    "servers": (row) => String(row.servers),
    "agencies": (row) => String(row.connections),
    "packet": formatPacket,
  });
}

/** Formats the intake of volumes of different sizes. */
export function formatGrowth(figures: readonly IntakeFigures[]): string {
  return formatIntakeTables(figures, "of an empty file", {
    "rows": (row) => formatCount(row.rows),
    "closed": (row) => String(row.closed),
  });
}

/** Formats tables of the speed, of both floors, of another version if there is one, and of the cost. */
function formatIntakeTables(
  figures: readonly IntakeFigures[],
  ofOneEmpty: string,
  cases: Columns<IntakeFigures>,
): string {
  const speed = formatTable(figures, {
    ...cases,
    "1,000 bets/s": (row) => formatSpread(row.betsPerSecond, 1e-3),
    "of the floor": (row) => formatSpread(row.ratio),
    [ofOneEmpty]: (row) => formatSpread(row.ratioToOneEmpty),
  });
  const cost = formatTable(figures, {
    ...cases,
    "p50 ms": (row) => formatSpread(row.p50Ms),
    "p99 ms": (row) => formatSpread(row.p99Ms),
    "CPU s/M": (row) => formatMedian(row.cpuSecondsPerMillion),
    "floor's": (row) => formatMedian(row.floorCpuSecondsPerMillion),
    "MB": (row) => formatMegabytes(row.peakBytes),
  });
  const floors = formatTable(figures, {
    ...cases,
    "of a synced file": (row) => formatSpread(row.ratioToFloor.file),
    "of a synced log": (row) => formatSpread(row.ratioToFloor.log),
    "floor": (row) => row.floor,
  });
  const tables = [speed, floors, cost];
  const ofOther = columnOfOther(figures);
  if (Object.keys(ofOther).length > 0) {
    const cpu = (row: IntakeFigures) => formatSpread(row.cpuRatioToOther);
    tables.push(formatTable(figures, { ...cases, ...ofOther, "CPU of the other's": cpu }));
  }
  return tables.join("\n\n");
}

/** The column that compares with another version; none without one. */
function columnOfOther<Row extends { ratioToOther?: Spread }>(
  figures: readonly Row[],
): Columns<Row> {
  if (figures.every((row) => row.ratioToOther === undefined)) return {};
  return { "of the other version": (row) => formatSpread(row.ratioToOther) };
}

function formatPacket({ packet, betsMax, bytesMax }: IntakeCase): string {
  if (packet === "StoreBet") return packet;
  return betsMax === BETS_UNLIMITED ? `${bytesMax / 1024} KiB` : `${betsMax} bets`;
}

/** Formats what TLS and keys cost. */
export function formatGate(figures: readonly GateFigures[]): string {
  return formatTable(figures, {
    "agencies": (row) => String(row.connections),
    "batch": (row) => String(row.betsMax),
    "over": (row) => row.transport,
    "1,000 bets/s": (row) => formatSpread(row.betsPerSecond, 1e-3),
    "of TCP": (row) => formatSpread(row.ratio),
    "p50 ms": (row) => formatMedian(row.p50Ms),
    "p99 ms": (row) => formatMedian(row.p99Ms),
    "CPU s/M": (row) => formatMedian(row.cpuSecondsPerMillion),
  });
}

/** Formats the intake beside questions. */
export function formatQuestions(figures: readonly QuestionsFigures[]): string {
  return formatTable(figures, {
    "servers": (row) => String(row.servers),
    "agencies": (row) => String(row.connections),
    "questions/s": (row) => String(row.perSecond),
    "1,000 bets/s": (row) => formatSpread(row.betsPerSecond, 1e-3),
    "of none asked": (row) => formatSpread(row.ratio),
    "answer p50 ms": (row) => formatMedian(row.answerP50Ms),
    "p99 ms": (row) => formatMedian(row.answerP99Ms),
  });
}

/** Formats ours beside other systems. */
export function formatBeside(figures: readonly BesideFigures[]): string {
  return formatTable(figures, {
    "agencies": (row) => String(row.connections),
    "bets": (row) => String(row.bets),
    "what": (row) => row.what,
    "1,000 bets/s": (row) => formatSpread(row.betsPerSecond, 1e-3),
    "ours of it": (row) => formatSpread(row.ours),
    "p50 ms": (row) => formatMedian(row.p50Ms),
    "p99 ms": (row) => formatMedian(row.p99Ms),
  });
}

/** Formats the sending of files. */
export function formatClients(figures: readonly ClientsFigures[]): string {
  return formatTable(figures, {
    "clients": (row) => String(row.clients),
    "bets of each": (row) => formatCount(row.betsOfEach),
    "1,000 bets/s": (row) => formatSpread(row.betsPerSecond, 1e-3),
    "of the floor": (row) => formatSpread(row.ratio),
    "CPU s/M": (row) => formatMedian(row.cpuSecondsPerMillion),
    "MB": (row) => formatMegabytes(row.peakBytes),
  });
}

/** Formats cold draws. */
export function formatColdDraws(figures: readonly ColdDrawFigures[]): string {
  return formatTable(figures, {
    "rows": (row) => formatCount(row.rows),
    "MB": (row) => formatMegabytes(row.bytes),
    "cold ms": (row) => formatSpread(row.coldMs),
    "wc -l ms": (row) => formatSpread(row.wcMs),
    "of wc -l": (row) => formatSpread(row.ratio),
    "unknown rows ms": (row) => formatSpread(row.unknownMs),
    ...columnOfOther(figures),
  });
}

/** Formats warm draws. */
export function formatWarmDraws(figures: readonly WarmDrawFigures[]): string {
  return formatTable(figures, {
    "rows": (row) => formatCount(row.rows),
    "servers": (row) => String(row.servers),
    "agencies": (row) => String(row.agencies),
    "warm ms": (row) => formatSpread(row.warmMs),
    ...columnOfOther(figures),
  });
}

/** Formats what it costs to be watched. */
export function formatWatched(figures: readonly WatchedFigures[]): string {
  return formatTable(figures, {
    "agencies": (row) => String(row.connections),
    "bets/s": (row) => formatMedian(row.betsPerSecond),
    "of an unwatched server": (row) => formatSpread(row.ratio),
    "CPU time of it": (row) => formatSpread(row.cpuRatio),
    "board's share of a CPU": (row) =>
      row.boardCpu === undefined ? "" : `${formatFigure(100 * row.boardCpu)} %`,
  });
}

/** Formats the ledgers side by side: tables of the speed, of the latency, and of what servers spend. */
export function formatLedgers(figures: readonly LedgerFigures[]): string {
  const cases: Columns<LedgerFigures> = {
    "nodes": (row) => row.nats,
    "agencies": (row) => String(row.agencies),
    "what": (row) => row.what,
  };
  const speed = formatTable(figures, {
    ...cases,
    "bets/s": (row) => formatMedian(row.betsPerSecond),
    "of publish": (row) => formatSpread(row.ofPublish),
    "of its server": (row) => formatSpread(row.ofServer),
  });
  const latency = formatTable(figures, {
    ...cases,
    "of fdatasync": (row) => formatSpread(row.ofSync),
    "p50 ms": (row) => formatSpread(row.p50Ms),
    "p99 ms": (row) => formatMedian(row.p99Ms),
  });
  const cost = formatTable(figures.filter(({ peakBytes }) => peakBytes !== undefined), {
    ...cases,
    "CPU s/M": (row) => formatMedian(row.cpuSecondsPerMillion),
    "MB": (row) => formatMegabytes(row.peakBytes),
  });
  return [speed, latency, cost].join("\n\n");
}

/** Formats the starts of servers on JetStream. */
export function formatLedgerStarts(figures: readonly LedgerStartsFigures[]): string {
  return formatTable(figures, {
    "nodes": (row) => row.nats,
    "bets": (row) => formatCount(row.bets),
    "first answer ms": (row) => formatSpread(row.answerMs),
    "winners known ms": (row) => formatSpread(row.winnersMs),
    "MB": (row) => formatMegabytes(row.peakBytes),
  });
}

/** Formats whole lotteries. */
export function formatCrowds(figures: readonly CrowdFigures[]): string {
  return formatTable(figures, {
    "nodes": (row) => row.nats,
    "agencies": (row) => formatCount(row.agencies),
    "servers": (row) => String(row.servers),
    "at once": (row) => formatCount(row.atOnce),
    "store s": (row) => formatFigure(row.storeSeconds),
    "max s": (row) => formatFigure(row.answerMaxMs / 1000),
    "ended": (row) => formatCount(row.unanswered),
    "draw s": (row) => formatFigure(row.drawSeconds),
    "server MB": (row) => formatMegabytes(row.serverPeakBytes),
    "node MB": (row) => formatMegabytes(row.nodePeakBytes),
  });
}

/** Formats `factor` times a spread as `median (min–max)`; an unknown one as the empty string. */
export function formatSpread(spread: Spread | undefined, factor = 1): string {
  if (spread === undefined) return "";
  const [median, min, max] = [spread.median, spread.min, spread.max].map((figure) =>
    formatFigure(factor * figure)
  );
  return Number.isNaN(spread.median) || min === max ? median : `${median} (${min}–${max})`;
}

function formatMedian(spread: Spread | undefined): string {
  return spread === undefined ? "" : formatFigure(spread.median);
}

function formatMegabytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : formatCount(Math.round(bytes / 1e6));
}

function formatCount(count: number): string {
  return count.toLocaleString("en");
}

/** Formats a figure with three significant digits, or with all digits before the decimal point. */
function formatFigure(figure: number): string {
  if (Number.isNaN(figure)) return "noise";
  const digits = figure >= 100 ? 0 : figure >= 10 ? 1 : 2;
  return figure.toLocaleString("en", {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
}

function formatTable<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const headings = Object.keys(columns);
  const lines = rows.map((row) => Object.values(columns).map((format) => format(row)));
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...lines.map((line) => line[at].length), 3)
  );
  const formatLine = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padStart(widths[at])).join(" | ")} |`;
  const rule = formatLine(widths.map((width) => `${"-".repeat(width - 1)}:`));
  return [formatLine(headings), rule, ...lines.map(formatLine)].join("\n");
}
