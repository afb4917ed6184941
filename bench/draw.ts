/**
 * How long a draw takes: cold, when a server starts on a volume whose agencies have all closed, as a ratio
 * to `wc -l` of its bets; and warm, from the last AgencyClose to the last WinnersResponse.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { Conversation, countWinners } from "./conversation.ts";
import { MAIN_CASE } from "./intake.ts";
import {
  showMegabytes,
  showSpread,
  showTable,
  type Spread,
  spreadOf,
  spreadOfKnown,
} from "./measures.ts";
import { startServers } from "./systems.ts";
import { AGENCIES } from "./volume.ts";
import type { Workplace } from "./workplace.ts";

/** What several cold draws took. */
export interface ColdDrawFigures {
  rows: number;
  bytes: number;
  /** What the bets add to the time from a server's start to its first WinnersResponse. */
  coldMs: Spread;
  bytesPerSecond: Spread;
  /** Lines counted by `wc -l`; nothing where there is no such program. */
  wcMs?: Spread;
  /** To `wc -l`, run by run. */
  ratio?: Spread;
}

/** How a warm draw comes about. */
export interface WarmDrawCase {
  rows: number;
  servers: number;
}

/** What several warm draws took. */
export interface WarmDrawFigures extends WarmDrawCase {
  /** Agencies that are told their winners. */
  agencies: number;
  /** From the last AgencyClose to the last WinnersResponse. */
  warmMs: Spread;
}

/** Measures cold draws: of all bets and of none in turn. */
export async function measureColdDraw(context: Context, rows: number): Promise<ColdDrawFigures> {
  const { volume, workplace, pace } = context;
  volume.prepare({ rows, closed: AGENCIES });
  await using emptyFolder = workplace.folder();
  await Deno.copyFile(volume.closedPath, `${emptyFolder.path}/agencies_closed.txt`);
  const coldMs: number[] = [];
  const wcMs: (number | undefined)[] = [];
  for (let run = 0; run < pace.runs; run++) {
    const emptyMs = await drawCold(workplace, emptyFolder.path, 0);
    coldMs.push(await drawCold(workplace, volume.path, volume.winners) - emptyMs);
    wcMs.push(await timeWc(volume.betsPath));
  }
  return {
    rows,
    bytes: volume.bytes,
    coldMs: spreadOf(coldMs),
    bytesPerSecond: spreadOf(coldMs.map((ms) => volume.bytes / ms * 1000)),
    wcMs: spreadOfKnown(wcMs),
    ratio: spreadOfKnown(wcMs.map((ms, run) => ms === undefined ? undefined : coldMs[run] / ms)),
  };
}

/** Starts a server; returns how long it took until the first agency knew its winners. */
async function drawCold(workplace: Workplace, path: string, winners: number): Promise<number> {
  const beginMs = performance.now();
  await using server = await startServers(workplace, {
    servers: 1,
    agencies: AGENCIES,
    volume: path,
  });
  using conversation = await Conversation.begin(server.ports[0]);
  await conversation.tell("WinnersRequest:1");
  let told = countWinners(await conversation.hear());
  const ms = performance.now() - beginMs;
  for (let agency = 2; agency <= AGENCIES; agency++) {
    await conversation.tell(`WinnersRequest:${agency}`);
    told += countWinners(await conversation.hear());
  }
  if (told !== winners) throw new Error(`Cannot measure: ${told} winners told, not ${winners}`);
  return ms;
}

/**
 * Measures warm draws. All agencies but those of the load have closed, and wait for their winners at all
 * servers. The others send bets to one server, and then close one after the other.
 */
export async function measureWarmDraw(
  context: Context,
  { rows, servers }: WarmDrawCase,
): Promise<WarmDrawFigures> {
  const warmMs: number[] = [];
  for (let run = 0; run < context.pace.runs; run++) {
    warmMs.push(await drawWarm(context, { rows, servers }));
  }
  return { rows, servers, agencies: AGENCIES, warmMs: spreadOf(warmMs) };
}

async function drawWarm(context: Context, { rows, servers }: WarmDrawCase): Promise<number> {
  const { workplace, thread, volume, pace } = context;
  const firstOpen = AGENCIES - MAIN_CASE.connections + 1;
  volume.prepare({ rows, closed: firstOpen - 1 });
  const options = { servers, agencies: AGENCIES, volume: volume.path };
  await using ours = await startServers(workplace, options);
  const [port] = ours.ports;
  using waiting = new WaitingAgencies();
  for (let agency = 1; agency < firstOpen; agency++) {
    await waiting.add(agency, ours.ports[agency % servers]);
  }
  const load = { ...MAIN_CASE, firstAgency: firstOpen, seconds: pace.seconds };
  await thread.run({ ...load, ports: [port] });
  for (let agency = firstOpen; agency < AGENCIES; agency++) {
    await closeAgency(agency, port);
    await waiting.add(agency, port);
  }
  using last = await Conversation.begin(port);
  const beginMs = performance.now();
  await last.tell(`AgencyClose:${AGENCIES}`, `WinnersRequest:${AGENCIES}`);
  const [told, toldLast] = await Promise.all([waiting.hear(), last.hear()]);
  const ms = performance.now() - beginMs;
  const winners = told + countWinners(toldLast);
  // The load's bets win too.
  if (winners < volume.winners) {
    throw new Error(`Cannot measure: only ${winners} winners were told`);
  }
  return ms;
}

/** Agencies that wait for their winners, each on its connection. */
class WaitingAgencies implements Disposable {
  readonly #conversations: Conversation[] = [];

  async add(agency: number, port: number): Promise<void> {
    const conversation = await Conversation.begin(port);
    this.#conversations.push(conversation);
    await conversation.tell(`WinnersRequest:${agency}`);
  }

  /** Waits for all answers; returns how many winners they tell. */
  async hear(): Promise<number> {
    const answers = await Promise.all(this.#conversations.map((one) => one.hear()));
    return answers.reduce((sum, answer) => sum + countWinners(answer), 0);
  }

  [Symbol.dispose](): void {
    for (const conversation of this.#conversations) conversation[Symbol.dispose]();
  }
}

/** Closes an agency. AgencyClose has no answer, but what follows it has. */
async function closeAgency(agency: number, port: number): Promise<void> {
  using conversation = await Conversation.begin(port);
  await conversation.tell(`AgencyClose:${agency}`, `ProgressRequest:${agency}`);
  await conversation.hear();
}

async function timeWc(path: string): Promise<number | undefined> {
  const beginMs = performance.now();
  try {
    await new Deno.Command("wc", { args: ["-l", path] }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return performance.now() - beginMs;
}

/** Writes figures of cold draws as a table. */
export function showColdDraws(figures: readonly ColdDrawFigures[]): string {
  return showTable(
    ["rows", "MB", "cold ms", "GB/s", "wc -l ms", "of wc -l"],
    figures.map((row) => [
      row.rows.toLocaleString("en"),
      showMegabytes(row.bytes),
      showSpread(row.coldMs, 0),
      showSpread(scaled(row.bytesPerSecond, 1e-9), 2),
      showSpread(row.wcMs, 0),
      showSpread(row.ratio, 1),
    ]),
  );
}

/** Writes figures of warm draws as a table. */
export function showWarmDraws(figures: readonly WarmDrawFigures[]): string {
  return showTable(
    ["rows", "servers", "agencies", "warm ms"],
    figures.map((row) => [
      row.rows.toLocaleString("en"),
      String(row.servers),
      String(row.agencies),
      showSpread(row.warmMs, 1),
    ]),
  );
}

function scaled({ median, min, max }: Spread, factor: number): Spread {
  return { median: factor * median, min: factor * min, max: factor * max };
}
