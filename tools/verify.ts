/**
 * `deno task verify`: compares the certificate of a draw with its ledger.
 *
 * @module
 */

import { escapeMessage } from "../shared/readable.ts";
import { runCommand, UsageError } from "./command.ts";
import { TASK, TaskError } from "./project.ts";
import { LEDGER_FLAG } from "./run/ledger_choice.ts";
import type { DrawSource } from "./record/draw_sources.ts";
import { type DrawListing, listDraw } from "./record/draws.ts";
import { DRAWS_FLAGS_USAGE, withDraws } from "./chosen_draws.ts";

const USAGE =
  `Recounts the rows of a draw and compares them with its certificate: every agency's bets, digest and winners,
the files, the audit logs of the servers, and the certificate itself. Says VERIFIED, or the first difference.

Usage: ${TASK} verify [ID] [--json] [--volume DIR | --ledger LEDGER] [--audit DIR]

  ID         the draw, or the beginning of its id (default: the current draw); ${TASK} draws lists them
  --json     print the result as JSON: docs/record.md describes it
${DRAWS_FLAGS_USAGE}
  --help     show this text

Exit code:
  0  VERIFIED
  1  the draw cannot be verified: it is not over, has no certificate, or its ledger cannot be read
  2  a wrong argument or setting, or no such draw
  3  a difference: a bet, a closed agency, an audit log or the certificate has changed since the draw`;

const OPTIONS = {
  ...LEDGER_FLAG,
  volume: { type: "string" },
  audit: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

interface VerifyFlags {
  ledger?: string;
  volume?: string;
  audit?: string;
  json: boolean;
}

function run({ json, ...flags }: VerifyFlags, ids: string[]): Promise<number> {
  if (ids.length > 1) throw new UsageError(`There are ${ids.length} IDs: give one, or none`);
  return withDraws(flags, "verify a draw", async (sources, places) => {
    const draw = await listDraw(choose(sources, ids[0]), { ...places, verifies: true });
    if (json) console.log(JSON.stringify(draw));
    else for (const line of linesOf(draw)) console.log(escapeMessage(line));
    if (draw.state === "VERIFIED") return 0;
    if (draw.state === "DIFFERENT") return 3;
    throw new TaskError(`Cannot verify the draw: ${reasonOf(draw)}`);
  });
}

/** Why a draw cannot be verified. */
function reasonOf({ id, state }: DrawListing): string {
  if (state === "not drawn") return "it is not over, because not every agency has closed";
  return id === null
    ? "lottery.json, which says which draw it is, is missing or damaged: restore it from a backup"
    : `it has no certificate. Write it with ${TASK} draws --write`;
}

/** Finds a draw by the beginning of its id; the current one if that is not given. */
function choose(sources: readonly DrawSource[], start: string | undefined): DrawSource {
  if (start === undefined) {
    const current = sources.find(({ isCurrent }) => isCurrent);
    if (current !== undefined) return current;
    throw new UsageError(`There is no current draw: give an ID; ${TASK} draws lists them`);
  }
  const found = sources.filter(({ id }) => id?.startsWith(start));
  if (found.length === 1) return found[0];
  const what = found.length === 0 ? "No draw has" : `${found.length} draws have`;
  throw new UsageError(`${what} an id that begins with ${start}: ${TASK} draws lists them`);
}

function linesOf(
  { id, place, drawnAt, winningNumber, bets, winners, auditLines, ...draw }: DrawListing,
) {
  const title = `Draw ${id ?? "unknown"}, ledger in ${place}`;
  if (draw.state === "DIFFERENT") return [title, draw.difference!, "DIFFERENT"];
  if (draw.state !== "VERIFIED") return [title];
  return [
    title,
    `drawn ${drawnAt}, number ${winningNumber}: ${bets} bets, ${winners} winners, recounted`,
    ...auditLines ? [`audit logs: ${auditLines} lines, each in its place`] : [],
    "VERIFIED",
  ];
}

if (import.meta.main) {
  const allowPositionals = true;
  Deno.exit(await runCommand({ usage: USAGE, options: OPTIONS, allowPositionals, run }));
}
