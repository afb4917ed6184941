/**
 * The report of a run: what every agency has sent, stored and won, and whether it all agrees.
 *
 * @module
 */

import type { ClientResult } from "../../client/result_file.ts";
import { count } from "../../shared/status/lottery_view.ts";
import type { AgencyResult, ResultReport } from "../json_reports.ts";
import type { ClientRun, RunWatch, ServerRun } from "./run_watch.ts";
import type { StoredFacts } from "./run_ledger.ts";
import type { AgencyTally } from "./stored_bets.ts";

/** Maximum length of a list of documents in the table, and what it always has, however narrow the terminal. */
const DOCUMENTS_CHARS_MAX = 60;
const DOCUMENTS_CHARS_MIN = 20;
/** The columns of the table before the documents take this. */
const NUMBERS_CHARS = 41;
/** What a cell of the table shows if it is not known. */
const UNKNOWN = "–";

/** More clients that were stopped are only counted. */
const STOPPED_NAMED_MAX = 8;

/** Exit codes of a client that was stopped, by SIGINT or SIGTERM. */
const STOPPED: readonly number[] = [130, 143];

/** What a client means by its exit code. */
const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  2: "invalid settings",
  3: "invalid bets",
  4: "a server refused its bets",
  5: "no server answered",
};

/** Where a client that was refused guesses at a reason which only the server knows. */
const GUESSED_REASON = /; its log has the reason \([^)]*\)/;

const NO_BETS: AgencyTally = { stored: 0, documents: [] };

/** What is known after a run, each by agency. Further bets of those that have not closed may still win. */
export interface RunFacts extends StoredFacts {
  /** What the clients report. */
  results: ReadonlyMap<number, ClientResult>;
  /** What messages call the place of the stored bets. */
  place: string;
  /** The agencies whose bets are samples. */
  samples: readonly number[];
  /** The width of the table, if there is room for a few documents. @default {any} */
  columns?: number;
}

/** The report of a run. */
export interface Report {
  /** The lines of a table. */
  table: string[];
  /** Everything that went wrong for an agency; empty for a good run. */
  faults: string[];
  /** What happened to servers and nodes, which may die without harm to a run. */
  incidents: string[];
  /** The agencies of the table. */
  agencies: AgencyResult[];
  elapsedSeconds: number;
}

/** Where the bets of a run are, and what its servers have promised of them: those of its RunLedger. */
export interface LedgerFacts {
  promise: string;
  location: string;
}

/** What is known of one agency. */
interface AgencyFacts {
  client: ClientRun;
  result?: ClientResult;
  tally: AgencyTally;
  isClosed: boolean;
}

/** Compares what the clients report with the stored bets, by agency. */
export function reportRun(
  { clients, servers, elapsedMs }: Pick<RunWatch, "clients" | "servers" | "elapsedMs">,
  { closed, columns = Infinity, place, results, samples, tallies }: RunFacts,
): Report {
  const agencies = clients.map((client): AgencyFacts => ({
    client,
    result: results.get(client.agency),
    tally: tallies.get(client.agency) ?? NO_BETS,
    isClosed: closed.has(client.agency),
  }));
  const faults = agencies.flatMap((agency) => faultsOf(agency, place));
  const stopped = clients.filter(wasStopped).map(({ agency }) => `client${agency}`);
  if (stopped.length > 0) {
    const names = stopped.length > STOPPED_NAMED_MAX
      ? `${stopped.length} clients`
      : listed(stopped);
    faults.push(`${names} ${stopped.length === 1 ? "was" : "were"} stopped before the draw`);
  }
  for (const [agency, { stored }] of tallies) {
    if (agency >= 1 && agency <= clients.length) continue;
    faults.push(`${place} has ${stored} bets of agency ${agency}, which has no client`);
  }
  const note = `in ${(elapsedMs / 1000).toFixed(1)} s${sampleNote(samples, clients.length)}`;
  return {
    table: tableOf(agencies, { note, columns }),
    faults,
    incidents: servers.flatMap(incidentsOf),
    agencies: agencies.map(resultOf),
    elapsedSeconds: elapsedMs / 1000,
  };
}

/** Returns the last sentence of the report: whether the run has done what it promises. */
export function verdictOn({ faults, incidents }: Report): string[] {
  if (faults.length > 0) {
    return ["Problems found:", ...[...faults, ...incidents].map((problem) => `  - ${problem}`)];
  }
  const although = incidents.length === 0 ? "" : `, although ${listed(incidents)}`;
  return [`All bets are stored, and every agency knows its winners${although}`];
}

/** Returns what a good run has done, in one sentence. */
export function closingSentence(
  { agencies, elapsedSeconds, incidents }: Report,
  { promise, location }: LedgerFacts,
): string {
  const bets = `${count(storedIn(agencies))} bets, ${promise}, ${elapsedSeconds.toFixed(1)} s`;
  const harmless = incidents.length === 0 ? [] : [`${listed(incidents)}, nothing was lost`];
  return [bets, ...harmless, `bets in ${location}`].join("; ");
}

/** Returns the report for a program. */
export function resultReport(
  { agencies, elapsedSeconds, faults, incidents }: Report,
  { exitCode, location, log }: { exitCode: number; location: string; log: string },
): ResultReport {
  const bets = storedIn(agencies);
  return {
    type: "result",
    exitCode,
    elapsedSeconds,
    bets,
    agencies,
    faults,
    incidents,
    place: location,
    log,
  };
}

function storedIn(agencies: readonly AgencyResult[]): number {
  return agencies.reduce((sum, { stored }) => sum + stored, 0);
}

function resultOf({ client, isClosed, result, tally }: AgencyFacts): AgencyResult {
  const { documents, stored } = tally;
  return {
    agency: client.agency,
    sent: result?.sent ?? null,
    stored,
    winners: isClosed ? documents.length : null,
    documents: isClosed ? documents : [],
  };
}

/** Describes how a service has ended: `server3 was killed (137)`. */
export function describeExit(
  { name, exitCode, error }: { name: string; exitCode: number; error?: string },
): string {
  if (exitCode > 128) return `${name} was killed (${exitCode})`;
  return `${name} ended with exit code ${exitCode}${error === undefined ? "" : `: ${error}`}`;
}

function tableOf(
  agencies: readonly AgencyFacts[],
  { note, columns }: { note: string; columns: number },
): string[] {
  const room = Math.max(DOCUMENTS_CHARS_MIN, columns - NUMBERS_CHARS);
  const results = agencies.map(resultOf);
  const rows = results.map(({ agency, sent, stored, winners, documents }) => ({
    cells: [agency, sent, stored, winners],
    documents,
  }));
  const total = (column: number) =>
    rows.map(({ cells }) => cells[column] ?? NaN).reduce((sum, value) => sum + value, 0);
  return align([
    ["agency", "bets sent", "bets stored", "winners", "documents"],
    ...rows.map(({ cells, documents }) => [...cells.map(shown), shorten(documents, room)]),
    ["all", ...[1, 2, 3].map((column) => shown(total(column))), note],
  ]);
}

function shown(value: number | null | undefined): string {
  return Number.isFinite(value) ? String(value) : UNKNOWN;
}

function sampleNote(samples: readonly number[], agencies: number): string {
  const present = samples.filter((agency) => agency <= agencies).map(String);
  if (present.length === 0) return "";
  if (present.length === agencies) return "; all bets are samples";
  const whose = present.length === 1 ? "agency" : "agencies";
  return `; the bets of ${whose} ${listed(present)} are samples`;
}

function faultsOf({ client, result, tally }: AgencyFacts, place: string): string[] {
  const { agency, exitCode } = client;
  const { sent = null, stored = null, winners = null } = result ?? {};
  const faults: string[] = [];
  if (exitCode && !wasStopped(client)) faults.push(clientFault(client, exitCode, result));
  if (sent !== null && sent !== tally.stored) {
    faults.push(
      `agency ${agency} has sent ${sent} bets, but ${place} has ${tally.stored} of its bets`,
    );
  } else if (stored !== null && stored > tally.stored) {
    faults.push(
      `servers acknowledged ${stored} bets of agency ${agency}, but ${place} has ${tally.stored}`,
    );
  }
  if (winners !== null && !isSame(winners, tally.documents)) {
    const [received, stored] = [winners, tally.documents].map((all) => shorten(all) || "none");
    faults.push(
      `agency ${agency} received the winners ${received}, but those in ${place} are ${stored}`,
    );
  }
  if (exitCode === 0 && (sent === null || winners === null)) {
    faults.push(`client${agency} ended with exit code 0 without reporting its bets and winners`);
  }
  return faults;
}

function clientFault(
  { agency, refusal }: ClientRun,
  exitCode: number,
  result: ClientResult | undefined,
): string {
  const meaning = EXIT_MEANINGS[exitCode] ??
    (exitCode > 128 ? "killed by a signal" : "see its last lines above");
  let reason = result?.reason ?? "";
  if (refusal !== undefined && GUESSED_REASON.test(reason)) {
    reason = reason.replace(GUESSED_REASON, `: ${refusal}`);
  } else if (refusal !== undefined && (exitCode === 4 || exitCode === 5)) {
    reason += `. A server logged: ${refusal}`;
  }
  const colon = reason === "" ? "" : ": ";
  return `client${agency} ended with exit code ${exitCode} (${meaning})${colon}${reason}`;
}

/** Describes each way in which a server has ended, but for an orderly one. */
function incidentsOf({ name, error, exitCodes, isDown }: ServerRun): string[] {
  if (exitCodes.length === 0) return [`${name} ended with exit code unknown`];
  const failures = exitCodes.filter((exitCode) => exitCode !== 0);
  return [...new Set(failures)].map((exitCode) => {
    const count = failures.filter((other) => other === exitCode).length;
    const times = count === 1 ? "" : ` ${count} times`;
    const isLast = isDown && exitCode === exitCodes.at(-1);
    const end = isLast ? " and was not started again" : "";
    const own = isLast || exitCodes.length === 1 ? error : undefined;
    return describeExit({ name, exitCode }) + times + end + (own === undefined ? "" : `: ${own}`);
  });
}

/** Whether a client was stopped before it could finish. */
function wasStopped({ exitCode }: ClientRun): boolean {
  return exitCode === undefined || STOPPED.includes(exitCode);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((document, index) => document === other[index]);
}

function listed(parts: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(parts);
}

function shorten(documents: readonly string[], room = Infinity): string {
  const charsMax = Math.min(DOCUMENTS_CHARS_MAX, room);
  let text = "";
  for (const [index, document] of documents.map(displayed).entries()) {
    const longer = index === 0 ? document : `${text}, ${document}`;
    const left = documents.length - index - 1;
    // Room for the number of those that are left out.
    const needed = longer.length + (left === 0 || charsMax === DOCUMENTS_CHARS_MAX ? 0 : 10);
    if (needed > charsMax && index > 0) return `${text}, … ${documents.length - index} more`;
    text = longer;
  }
  return text;
}

/** Quotes a document that could be misread in a list, and escapes what cannot be seen in it. */
function displayed(document: string): string {
  if (/^[\p{L}\p{N}.-]+$/u.test(document)) return document;
  return JSON.stringify(document).replaceAll(
    /[^\p{L}\p{N}\p{P}\p{S} ]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Aligns the columns: the last to the left, the others, which are numbers, to the right. */
function align(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const numbers = row.slice(0, -1).map((cell, column) => cell.padStart(widths[column]));
    return [...numbers, row.at(-1)].join("  ").trimEnd();
  });
}
