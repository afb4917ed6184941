/**
 * How long a draw takes: cold, when a server starts on a big file, as a ratio to `wc -l` of that file; and
 * warm, from the last AgencyClose to the WinnersResponse.
 *
 * @module
 */

import { showSpread, showTable, type Spread, spreadOf } from "./measures.ts";
import { startServer } from "./processes.ts";

/** What several runs gave. Milliseconds. */
export interface DrawFigures {
  rows: number;
  /** What the file adds to the start of a server. */
  coldMs: Spread;
  /** Lines counted by `wc -l`; nothing where there is no such program. */
  wcMs?: Spread;
  ratio?: Spread;
  /** From the last AgencyClose to the WinnersResponse. */
  warmMs: Spread;
}

const AGENCIES = 100;

/** Measures draws on a file of `rows` rows. */
export async function measureDraw(rows: number, runs: number): Promise<DrawFigures> {
  const folder = await Deno.makeTempDir({ prefix: "lottery-bench-" });
  try {
    await writeBets(`${folder}/bets.csv`, rows);
    await writeClosed(folder);
    await run(folder);
    const figures = [];
    for (let at = 0; at < runs; at++) figures.push(await run(folder));
    const wc = figures.flatMap(({ wcMs }) => wcMs ?? []);
    const ratios = figures.flatMap(({ coldMs, wcMs }) => wcMs === undefined ? [] : coldMs / wcMs);
    return {
      rows,
      coldMs: spreadOf(figures.map(({ coldMs }) => coldMs)),
      warmMs: spreadOf(figures.map(({ warmMs }) => warmMs)),
      ...(wc.length > 0 && { wcMs: spreadOf(wc), ratio: spreadOf(ratios) }),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes figures as a table. */
export function showDraw(figures: readonly DrawFigures[]): string {
  return showTable(
    ["rows", "cold ms", "of wc -l", "warm ms"],
    figures.map((row) => [
      row.rows.toLocaleString("en"),
      showSpread(row.coldMs, 0),
      row.ratio === undefined ? "" : showSpread(row.ratio, 1),
      showSpread(row.warmMs, 1),
    ]),
  );
}

async function run(folder: string): Promise<{ coldMs: number; warmMs: number; wcMs?: number }> {
  await writeClosed(folder);
  const emptyMs = await startOnEmptyFolder();
  await using server = await startServer(folder);
  const warmMs = await timeDraw(server.port);
  const wcMs = await timeWc(`${folder}/bets.csv`);
  return { coldMs: server.startMs - emptyMs, warmMs, ...(wcMs !== undefined && { wcMs }) };
}

async function startOnEmptyFolder(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "lottery-bench-" });
  try {
    await using server = await startServer(folder);
    return server.startMs;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function timeDraw(port: number): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const begin = performance.now();
  await connection.write(
    new TextEncoder().encode(`AgencyClose:${AGENCIES}\nWinnersRequest:${AGENCIES}\n`),
  );
  const answer = new Uint8Array(64 * 1024);
  let length = 0;
  while (answer[length - 1] !== 0x0a) {
    const count = await connection.read(answer);
    if (count === null) throw new Error("Cannot measure: the server closed the connection");
    length = count;
  }
  return performance.now() - begin;
}

async function timeWc(path: string): Promise<number | undefined> {
  const begin = performance.now();
  try {
    await new Deno.Command("wc", { args: ["-l", path] }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return performance.now() - begin;
}

/** All agencies but the last are closed. */
async function writeClosed(folder: string): Promise<void> {
  const numbers = Array.from({ length: AGENCIES - 1 }, (_, at) => `${at + 1}\n`);
  await Deno.writeTextFile(`${folder}/agencies_closed.txt`, numbers.join(""));
}

async function writeBets(path: string, rows: number): Promise<void> {
  using file = await Deno.create(path);
  const encoder = new TextEncoder();
  const ROWS_AT_ONCE = 20_000;
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    let text = "";
    for (let at = row; at < Math.min(rows, row + ROWS_AT_ONCE); at++) {
      const mixed = Math.imul(at, 2654435761) >>> 0;
      const agency = Math.floor(at / 100) % AGENCIES + 1;
      text += `${agency},Santiago Lionel,Zambrano,${20_000_000 + mixed % 20_000_000},` +
        `19${50 + mixed % 50}-0${1 + mixed % 9}-17,${mixed % 10_000}\n`;
    }
    let bytes = encoder.encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
  }
}
