/**
 * How long a draw takes: cold, when a server starts on a volume whose agencies have all closed, compared with
 * `wc -l` of its bets; and warm, from the last AgencyClose to the last WinnersResponse.
 *
 * @module
 */

import { LineConnection } from "../testing/line_connection.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { unlessNotFound } from "../tools/project.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import type { Context } from "./context.ts";
import { MAIN_CASE } from "./intake.ts";
import { AGENCIES } from "./prepared_volume.ts";
import { markNoise, type Spread, spreadOf, spreadOfKnown } from "./spread.ts";
import { startLottery } from "./systems.ts";

/** The figures of several cold draws. */
export interface ColdDrawFigures {
  rows: number;
  bytes: number;
  /**
   * What the bets add to the time from a server's start to its first WinnersResponse, where a server has judged or
   * stored them before. Figures that are not above zero are {@link markNoise | noise}, here and below.
   */
  coldMs: Spread;
  /** The same where none has, so that the server judges every row. */
  unknownMs: Spread;
  /** Lines counted by `wc -l`; undefined where there is no such program. */
  wcMs?: Spread;
  /** The time divided by that of `wc -l`, run by run. */
  ratio?: Spread;
  /** The time divided by that of another version, run by run; undefined without one. */
  ratioToOther?: Spread;
}

/** One way to a warm draw. */
export interface WarmDrawCase {
  rows: number;
  servers: number;
}

/** The figures of several warm draws. */
export interface WarmDrawFigures extends WarmDrawCase {
  /** Agencies that learn their winners. */
  agencies: number;
  /** From the last AgencyClose to the last WinnersResponse. */
  warmMs: Spread;
  /** The time divided by that of another version, run by run; undefined without one. */
  ratioToOther?: Spread;
}

/** Measures cold draws, of all bets and of none in turn. */
export async function measureColdDraw(context: Context, rows: number): Promise<ColdDrawFigures> {
  const { folder, volume, pace, against } = context;
  const content = { rows, closed: AGENCIES };
  await volume.prepare(content);
  await using empty = tempFolder(folder);
  await Deno.copyFile(volume.closedPath, `${empty.path}/agencies_closed.txt`);
  const unknownMs: number[] = [];
  const timesMs: number[] = [];
  const othersMs: number[] = [];
  const wcMs: (number | undefined)[] = [];
  /** Returns what the bets add to the start. */
  const timeBets = async (root?: string) => {
    const emptyMs = await drawCold({ volume: empty.path, winners: 0, root });
    const { path, winners } = volume;
    return await drawCold({ volume: path, winners, root }) - emptyMs;
  };
  for (let run = 0; run < pace.runs; run++) {
    await volume.prepare(content);
    unknownMs.push(await timeBets());
    timesMs.push(await timeBets());
    if (against !== undefined) othersMs.push(await timeBets(against));
    wcMs.push(await timeWc(volume.betsPath));
  }
  const ratios = wcMs.map((ms, run) => ms === undefined ? undefined : timesMs[run] / ms);
  const ratio = spreadOfKnown(ratios);
  const ratioToOther = spreadOfKnown(othersMs.map((ms, run) => timesMs[run] / ms));
  return {
    rows,
    bytes: volume.bytes,
    coldMs: markNoise(spreadOf(timesMs)),
    unknownMs: markNoise(spreadOf(unknownMs)),
    wcMs: spreadOfKnown(wcMs),
    ratio: ratio && markNoise(ratio),
    ratioToOther: ratioToOther && markNoise(ratioToOther),
  };
}

/** Starts a server. Returns how many milliseconds passed until the first agency knew its winners. */
async function drawCold(
  { volume, winners: expectedWinners, root }: { volume: string; winners: number; root?: string },
): Promise<number> {
  const beginMs = performance.now();
  await using server = await startLottery({ servers: 1, agencies: AGENCIES, volume, root });
  using connection = await LineConnection.open({ hostname: LOOPBACK, port: server.ports[0] });
  let winners = countWinners(await connection.ask("WinnersRequest:1\n"));
  const ms = performance.now() - beginMs;
  for (let agency = 2; agency <= AGENCIES; agency++) {
    winners += countWinners(await connection.ask(`WinnersRequest:${agency}\n`));
  }
  if (winners !== expectedWinners) {
    throw new Error(`Cannot measure: ${winners} winners, not ${expectedWinners}`);
  }
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
  const { against, pace } = context;
  const warmMs: number[] = [];
  const othersMs: number[] = [];
  for (let run = 0; run < pace.runs; run++) {
    warmMs.push(await drawWarm(context, { rows, servers }));
    if (against !== undefined) othersMs.push(await drawWarm(context, { rows, servers }, against));
  }
  return {
    ...{ rows, servers, agencies: AGENCIES },
    warmMs: spreadOf(warmMs),
    ratioToOther: spreadOfKnown(othersMs.map((ms, run) => warmMs[run] / ms)),
  };
}

async function drawWarm(
  context: Context,
  { rows, servers }: WarmDrawCase,
  root?: string,
): Promise<number> {
  const { thread, volume, pace } = context;
  const firstOpen = AGENCIES - MAIN_CASE.connections + 1;
  await volume.prepare({ rows, closed: firstOpen - 1 });
  await using ours = await startLottery({
    ...{ servers, agencies: AGENCIES, volume: volume.path, root },
  });
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
  const last = await waiting.connect(port);
  const beginMs = performance.now();
  await last.send(`AgencyClose:${AGENCIES}\nWinnersRequest:${AGENCIES}\n`);
  const winners = await waiting.winners();
  const ms = performance.now() - beginMs;
  // Bets of the load win as well.
  if (winners < volume.winners) throw new Error(`Cannot measure: only ${winners} winners`);
  return ms;
}

/** Agencies that wait for their winners, each on a connection of its own. */
class WaitingAgencies implements Disposable {
  readonly #connections: LineConnection[] = [];

  /** Connects an agency, which has not asked for its winners yet. */
  async connect(port: number): Promise<LineConnection> {
    const connection = await LineConnection.open({ hostname: LOOPBACK, port });
    this.#connections.push(connection);
    return connection;
  }

  /** Connects an agency that asks for its winners. */
  async add(agency: number, port: number): Promise<void> {
    const connection = await this.connect(port);
    await connection.send(`WinnersRequest:${agency}\n`);
  }

  /** Waits for all answers. Returns the number of winners. */
  async winners(): Promise<number> {
    const answers = await Promise.all(this.#connections.map((connection) => connection.line()));
    return answers.reduce((sum, answer) => sum + countWinners(answer), 0);
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** Returns how many documents a WinnersResponse contains. */
export function countWinners(answer: string): number {
  const documents = answer.slice("WinnersResponse:".length);
  return documents === "" ? 0 : documents.split(";").length;
}

/** Closes an agency. AgencyClose has no answer, but the next packet on its connection has. */
async function closeAgency(agency: number, port: number): Promise<void> {
  using connection = await LineConnection.open({ hostname: LOOPBACK, port });
  await connection.ask(`AgencyClose:${agency}\nProgressRequest:${agency}\n`);
}

/** Returns how many milliseconds `wc -l` takes; undefined where there is no such program. */
async function timeWc(path: string): Promise<number | undefined> {
  const beginMs = performance.now();
  const output = await unlessNotFound(new Deno.Command("wc", { args: ["-l", path] }).output());
  return output && performance.now() - beginMs;
}
