/**
 * `deno task draws`: lists the draws and their certificates.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { TASK } from "./project.ts";
import { LEDGER_FLAG } from "./run/ledger_choice.ts";
import { type DrawListing, listDraw, writeCertificate } from "./record/draws.ts";
import { DRAWS_FLAGS_USAGE, withDraws } from "./chosen_draws.ts";

const USAGE =
  `Lists the draws of a lottery, the newest first: id, time, bets, winners, and whether the certificate holds.

Usage: ${TASK} draws [--verify] [--write] [--json] [--volume DIR | --ledger LEDGER] [--audit DIR]

  --verify   compare each certificate with the ledger of its draw, as ${TASK} verify does
  --write    write the certificates that are missing, before that. Servers write those of files by
             themselves; nobody else writes those of draws on JetStream
  --json     print the draws as JSON, one object a line: docs/record.md describes it
${DRAWS_FLAGS_USAGE}
  --help     show this text

Exit code:
  0  the draws are listed, and none that was compared is different
  1  a ledger cannot be read, or a certificate cannot be written
  2  a wrong argument or setting
  3  a draw is different from its certificate`;

const OPTIONS = {
  ...LEDGER_FLAG,
  volume: { type: "string" },
  audit: { type: "string" },
  verify: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

interface DrawsTaskFlags {
  ledger?: string;
  volume?: string;
  audit?: string;
  verify: boolean;
  write: boolean;
  json: boolean;
}

function run({ verify, write, json, ...flags }: DrawsTaskFlags): Promise<number> {
  return withDraws(flags, "list draws", async (sources, places) => {
    const draws: DrawListing[] = [];
    for (const source of sources) {
      if (write) await writeCertificate(source, places);
      const draw = await listDraw(source, { ...places, verifies: verify });
      if (json) console.log(JSON.stringify(draw));
      draws.push(draw);
    }
    if (!json) { for (const line of tableOf(draws)) console.log(line); }
    return draws.some(({ state }) => state === "DIFFERENT") ? 3 : 0;
  });
}

const HEADINGS = ["draw", "drawn", "bets", "winners", "certificate"];

function tableOf(draws: readonly DrawListing[]): string[] {
  if (draws.length === 0) return ["There is no draw yet"];
  const rows = draws.map(({ id, drawnAt, bets, winners, state }) => [
    id ?? "unknown",
    drawnAt ?? "–",
    bets?.toLocaleString("en") ?? "–",
    winners?.toLocaleString("en") ?? "–",
    state,
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column].length))
  );
  const isNumber = (column: number) => column === 2 || column === 3;
  const lines = [HEADINGS, ...rows].map((row) =>
    row.map((cell, column) =>
      isNumber(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])
    ).join("  ").trimEnd()
  );
  const differences = draws.filter(({ difference }) => difference !== null)
    .map(({ id, difference }) => `${id ?? "unknown"}: ${difference}`);
  return differences.length === 0 ? lines : [...lines, "", ...differences];
}

if (import.meta.main) Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, run }));
