/**
 * What it costs to count in the rows of bets.csv, a megabyte of them, against splitting each row:
 * `deno bench server/ledger/tally_bench.ts`.
 *
 * @module
 */

import { Tally } from "./tally.ts";

const WINNING_NUMBER = 7574;
const BYTES = 1_000_000;
const AGENCIES = 100;

/** Rows as servers write them: a hundred of one agency, then the next one's. */
function makeRows(numberOf: (at: number) => number): Uint8Array<ArrayBuffer> {
  const rows: string[] = [];
  for (let length = 0; length < BYTES; length += rows[rows.length - 1].length) {
    const at = rows.length;
    const agency = Math.floor(at / 100) % AGENCIES + 1;
    rows.push(`${agency},Tiago Nicolas,Rivera,${34_407_251 + at},2001-08-29,${numberOf(at)}\n`);
  }
  return new TextEncoder().encode(rows.join(""));
}

const group = "count in a megabyte of rows";
const rows = makeRows((at) => (7919 * at) % 10_000);
const winningRows = makeRows(() => WINNING_NUMBER);
const tally = new Tally(WINNING_NUMBER);

Deno.bench("Tally.scan()", { group, baseline: true }, () => {
  tally.clear();
  tally.scan(rows);
});

Deno.bench("Tally.scan(), every row wins", { group }, () => {
  tally.clear();
  tally.scan(winningRows);
});

Deno.bench("each row split", { group }, () => {
  const counts = new Map<string, number>();
  const winners: string[] = [];
  for (const row of new TextDecoder().decode(rows).split("\n")) {
    const [agency, , , document, , number] = row.split(",");
    counts.set(agency, (counts.get(agency) ?? 0) + 1);
    if (Number(number) === WINNING_NUMBER) winners.push(document);
  }
});
