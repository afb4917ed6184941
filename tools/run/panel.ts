/**
 * The panel that a terminal shows of a lottery: a function of what is known, so that it can be printed once or
 * again and again.
 *
 * @module
 */

import {
  type AgencyView,
  count,
  describeView,
  type LotteryView,
  type ServerView,
} from "../../shared/status/lottery_view.ts";

/** How to draw a panel. */
export interface PanelOptions {
  /** The width of the terminal. Lines are never longer. */
  columns: number;
  /** Its height: agencies that do not fit are summarized. @default {as many as it takes} */
  rows?: number;
  /** Whether to use colors; without them, the same words stand there. */
  colors: boolean;
}

/**
 * The state of a server as `up`, which starts it, knows it: `starting` until it listens, `restarting` after a death,
 * `dead` if it is not started again.
 */
export type ServerMark = "starting" | "restarting" | "dead" | "stopped";

/** What the panel of a run shows besides the lottery. */
export interface PanelExtras {
  /** Replaces the phase, while something else is going on. */
  headline?: string;
  /** Replaces the states of these servers. */
  marks?: ReadonlyMap<string, ServerMark>;
  /** The agencies whose clients have failed. */
  failedAgencies?: ReadonlySet<number>;
  /** The last lines. */
  footer?: string;
}

const AGENCY_ROWS_MIN = 3;
const SERVER_ROWS_MIN = 2;
/** The last row of a screen stays free for the cursor. */
const CURSOR_ROWS = 1;
/** The empty line above a table, and its heading. */
const HEADING_ROWS = 2;
const BAR_COLUMNS_MAX = 30;
const BAR_COLUMNS_MIN = 6;
const COLORS = { good: 32, pending: 33, bad: 31, dim: 2 };
type Color = keyof typeof COLORS;

/** A cell of a table: a text and what color it has. */
interface Cell {
  text: string;
  color?: Color;
  /** @default {"right"} */
  align?: "left" | "right";
}

/** Returns the lines of the panel. */
export function panelLines(
  view: LotteryView,
  options: PanelOptions,
  extras: PanelExtras = {},
): string[] {
  const { headline, marks = new Map(), failedAgencies = new Set(), footer } = extras;
  const head = wrap(headline ?? sentenceOf(view), options.columns);
  const foot = footer === undefined
    ? []
    : ["", paint(fit(footer, options.columns), "dim", options.colors)];
  const tables = [view.agencies, view.servers].filter((rows) => rows.length > 0).length;
  const taken = CURSOR_ROWS + head.length + foot.length + HEADING_ROWS * tables;
  const rows = shareRows((options.rows ?? Infinity) - taken, view);
  const agencies = agencyTable(view, { ...options, rows: rows.agencies }, failedAgencies);
  const servers = serverTable(view.servers, { ...options, rows: rows.servers }, marks);
  return [...head, ...agencies, ...servers, ...foot];
}

/** Returns the phase and the pace in one sentence. */
export function sentenceOf(view: LotteryView): string {
  return [describeView(view), ...paceOf(view)].join("; ");
}

/** Shares the lines that are left between both tables. A table that is too long ends with a line about the rest. */
function shareRows(
  left: number,
  { agencies, servers }: LotteryView,
): { agencies: number; servers: number } {
  if (agencies.length + servers.length <= left) return { agencies: left, servers: left };
  const third = Math.max(SERVER_ROWS_MIN, Math.floor(left / 3), left - agencies.length);
  const serverRows = Math.min(servers.length, third);
  return { agencies: Math.max(AGENCY_ROWS_MIN, left - serverRows), servers: serverRows };
}

function paceOf({ bets, betsExpected, betsPerSecond, lottery }: LotteryView): string[] {
  if (betsPerSecond === null || lottery === null || lottery.phase === "drawn") return [];
  const rate = `${count(betsPerSecond)} bets/s`;
  if (betsExpected === null || betsPerSecond < 1 || bets >= betsExpected) return [rate];
  return [rate, `${duration((betsExpected - bets) / betsPerSecond)} left`];
}

/** Options of a table: `rows` are those below its heading. */
type TableOptions = PanelOptions & { rows: number };

function agencyTable(
  { agencies }: LotteryView,
  options: TableOptions,
  failed: ReadonlySet<number>,
): string[] {
  if (agencies.length === 0) return [];
  const hasFailed = ({ agency, state }: AgencyView) => state === "betting" && failed.has(agency);
  // Those for which the draw waits come first, and among them those for which it waits in vain.
  const { shown, others } = choose(
    agencies,
    options.rows,
    (one) => hasFailed(one) ? 0 : one.state === "betting" ? 1 : 2,
  );
  const most = Math.max(1, ...agencies.map(({ bets }) => bets));
  const rows = shown.map((agency) => agencyRow(agency, { most, hasFailed: hasFailed(agency) }));
  const head = ["agency", "", "bets", "of", "bets/s", "state"].map((text) => heading(text));
  head[5].align = "left";
  const lines = ["", ...table([head, ...rows], { ...options, barColumn: 1 })];
  if (others.length === 0) return lines;
  const closed = others.filter(({ state }) => state !== "betting").length;
  return [...lines, fit(restLine(others.length, closed, "closed"), options.columns)];
}

/** Sums up the rows that are not shown, of which some have a property. */
function restLine(others: number, having: number, property: string): string {
  const share = having === 0 ? "none" : having === others ? "all" : `${count(having)} of them`;
  return `… and ${count(others)} others, ${share} ${property}`;
}

/** Chooses which rows to show in a number of lines, one of which may summarize the others: the lowest ranks first. */
function choose<T>(
  all: readonly T[],
  rowsMax: number,
  rank: (one: T) => number,
): { shown: readonly T[]; others: readonly T[] } {
  if (all.length <= rowsMax) return { shown: all, others: [] };
  const ordered = all.toSorted((one, other) => rank(one) - rank(other));
  return { shown: ordered.slice(0, rowsMax - 1), others: ordered.slice(rowsMax - 1) };
}

/** A row whose second cell is the share of the bar, to be drawn when its width is known. */
function agencyRow(
  view: AgencyView,
  { most, hasFailed }: { most: number; hasFailed: boolean },
): Cell[] {
  const { agency, bets, betsExpected, betsPerSecond, state } = view;
  const share = betsExpected === null ? bets / most : bets / Math.max(1, betsExpected);
  const color = hasFailed ? "bad" : state === "betting" ? "pending" : "good";
  return [
    { text: String(agency) },
    { text: String(Math.min(1, share)), color },
    { text: count(bets) },
    { text: betsExpected === null ? "" : count(betsExpected), color: "dim" },
    { text: betsPerSecond === null ? "" : count(betsPerSecond) },
    { text: hasFailed ? "✗ client failed" : state, color, align: "left" },
  ];
}

function serverTable(
  servers: readonly ServerView[],
  options: TableOptions,
  marks: ReadonlyMap<string, ServerMark>,
): string[] {
  if (servers.length === 0) return [];
  const isUp = (server: ServerView) => !marks.has(server.name) && isServing(server);
  const { shown, others } = choose(servers, options.rows, (server) => isUp(server) ? 1 : 0);
  const titles = ["server", "state", "served", "waiting", "stored", "sync", "up for", ""];
  const head = titles.map((text) => heading(text));
  for (const column of [0, 1, 7]) head[column].align = "left";
  const rows = shown.map((server) => serverRow(server, marks.get(server.name)));
  const lines = ["", ...table([head, ...rows], options)];
  if (others.length === 0) return lines;
  const up = others.filter(isUp).length;
  return [...lines, fit(restLine(others.length, up, "up"), options.columns)];
}

function isServing({ state, ready }: ServerView): boolean {
  return state === "serving" && ready;
}

function serverRow(server: ServerView, mark: ServerMark | undefined): Cell[] {
  const { name, state, reason, connections, waiting, betsStored, syncSeconds } = server;
  const isUp = mark === undefined && isServing(server);
  const isDead = mark === undefined ? state === "silent" || state === "gone" : mark === "dead";
  const sign = isUp ? "●" : isDead ? "✗" : "○";
  const word = mark ?? (state === "serving" ? server.ready ? "up" : "not ready" : state);
  const shown = (value: number | null) => ({ text: value === null ? "–" : count(value) });
  // That a server is starting is reason enough.
  const isExplained = isUp || isDead || mark !== undefined || state === "starting";
  const why = isExplained ? "" : reason ?? "";
  return [
    { text: name, align: "left" },
    { text: `${sign} ${word}`, align: "left", color: isUp ? "good" : isDead ? "bad" : "pending" },
    shown(connections),
    shown(waiting),
    shown(betsStored),
    { text: syncSeconds === null ? "–" : milliseconds(syncSeconds) },
    { text: server.uptimeSeconds === null ? "–" : duration(server.uptimeSeconds) },
    { text: why, align: "left", color: "dim" },
  ];
}

function heading(text: string): Cell {
  return { text, color: "dim" };
}

/** Aligns the cells of a table. The column `barColumn` is drawn as a bar in the width that is left. */
function table(
  rows: Cell[][],
  { columns, colors, barColumn = -1 }: PanelOptions & { barColumn?: number },
): string[] {
  const widths = rows[0].map((_, column) => {
    const texts = rows.slice(1).map((row) => row[column].text);
    // A column without content has no heading either.
    if (column === barColumn || texts.every((text) => text === "")) return 0;
    return Math.max(rows[0][column].text.length, ...texts.map((text) => text.length));
  });
  if (barColumn >= 0) {
    const taken = widths.reduce((sum, width) => sum + (width === 0 ? 0 : width + 2), 0);
    const left = Math.min(BAR_COLUMNS_MAX, columns - taken);
    widths[barColumn] = left < BAR_COLUMNS_MIN ? 0 : left;
  }
  return rows.map((row, index) => {
    let line = "";
    let length = 0;
    for (const [column, cell] of row.entries()) {
      const width = widths[column];
      if (width === 0) continue;
      const isBar = column === barColumn && index > 0;
      const text = isBar ? bar(Number(cell.text), width) : cell.text;
      const padded = cell.align === "left" ? text.padEnd(width) : text.padStart(width);
      const room = columns - length - (line === "" ? 0 : 2);
      if (room <= 0) break;
      const fitting = fit(padded.trimEnd(), room).padEnd(Math.min(room, padded.length));
      line += `${line === "" ? "" : "  "}${paint(fitting, cell.color, colors)}`;
      length += fitting.length + (length === 0 ? 0 : 2);
    }
    return line.trimEnd();
  });
}

/** Cuts a text to a width. */
function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

/** A bar of blocks, in eighths of a column: a share that is not whole is never shown as whole. */
function bar(share: number, width: number): string {
  const eighths = share >= 1 ? 8 * width : Math.min(8 * width - 1, Math.round(8 * width * share));
  const part = eighths % 8 === 0 ? "" : "▏▎▍▌▋▊▉"[eighths % 8 - 1];
  return `${"█".repeat(Math.floor(eighths / 8))}${part}`.padEnd(width, "·");
}

function paint(text: string, color: Color | undefined, colors: boolean): string {
  return colors && color !== undefined && text.trim() !== ""
    ? `\x1b[${COLORS[color]}m${text}\x1b[0m`
    : text;
}

function milliseconds(seconds: number): string {
  const value = 1000 * seconds;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** Returns a time as people read it: `42 s`, `3 min 05 s`, `2 h 07 min`, `4 d 03 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(whole % 3600 / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${two(whole % 86_400 / 3600)} h`;
}

/** Breaks a text between words into lines of at most so many columns. An indented text stays so. */
export function wrap(text: string, columns: number): string[] {
  const indent = /^ */.exec(text)![0];
  const lines = [indent];
  for (const word of text.trim().split(" ")) {
    const line = lines.at(-1)!;
    const longer = line === indent ? indent + word : `${line} ${word}`;
    if (longer.length <= columns || line === indent) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines;
}
