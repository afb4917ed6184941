/**
 * The end of a run: what every agency has sent, stored and won, and whether it all agrees.
 *
 * @module
 */

import type { ClientRun } from "./run_watch.ts";
import type { AgencyTally } from "./volume.ts";

/** Longest list of documents in the table. */
const DOCUMENTS_CHARS_MAX = 60;

/** How a client ends that is told to, by SIGINT or SIGTERM. */
const STOPPED: readonly number[] = [130, 143];

/** What a run has come to. */
export interface RunReport {
  /** The table, a line each. */
  table: string[];
  /** All that is amiss; nothing when the run was good. */
  faults: string[];
}

/** Options of {@linkcode reportRun}. */
export interface ReportOptions {
  clients: readonly ClientRun[];
  /** What bets.csv holds, by agency. */
  tallies: ReadonlyMap<number, AgencyTally>;
  /** How long the run took. */
  elapsedMs: number;
}

/** Compares what the clients say with what the file holds. */
export function reportRun({ clients, tallies, elapsedMs }: ReportOptions): RunReport {
  const rows = clients.map((client) => tableRow(client, tallies.get(client.agency)));
  const head = ["agency", "bets sent", "bets stored", "winners", "documents"];
  const sum = (column: number) => String(rows.reduce((all, row) => all + Number(row[column]), 0));
  const total = ["all", sum(1), sum(2), sum(3), `in ${(elapsedMs / 1000).toFixed(1)} s`];
  const faults = clients.flatMap((client) => faultsOf(client, tallies.get(client.agency)));
  const stopped = clients.filter(wasStopped).map(({ agency }) => `client${agency}`);
  if (stopped.length > 0) faults.push(`${enumerate(stopped)} stopped before the draw`);
  for (const [agency, { stored }] of tallies) {
    if (agency < 1 || agency > clients.length) {
      faults.push(`bets.csv holds ${stored} bets of agency ${agency}, which has no client`);
    }
  }
  return { table: align([head, ...rows, total]), faults };
}

function tableRow(client: ClientRun, tally: AgencyTally = { stored: 0, documents: [] }): string[] {
  const { agency, sent, documents } = client;
  return [
    String(agency),
    String(sent ?? 0),
    String(tally.stored),
    String(documents?.length ?? 0),
    shorten(documents ?? []),
  ];
}

function faultsOf(client: ClientRun, tally: AgencyTally = { stored: 0, documents: [] }): string[] {
  const { agency, sent, documents, exitCode = 0, error } = client;
  const faults: string[] = [];
  if (exitCode !== 0 && !wasStopped(client)) {
    const reason = error === undefined ? "" : `: ${error}`;
    faults.push(
      `client${agency} ended with exit code ${exitCode}, ${meaningOf(exitCode)}${reason}`,
    );
  }
  if (sent !== undefined && sent !== tally.stored) {
    faults.push(`agency ${agency} has sent ${sent} bets, and bets.csv holds ${tally.stored} of it`);
  }
  if (documents !== undefined && documents.join(";") !== tally.documents.join(";")) {
    faults.push(
      `agency ${agency} was told the winners ${
        shorten(documents) || "none"
      }, and by bets.csv they are ` +
        `${shorten(tally.documents) || "none"}`,
    );
  }
  const isDone = client.exitCode === 0;
  if (isDone && (sent === undefined || documents === undefined)) {
    faults.push(`client${agency} ended well but has not logged its bets and its winners`);
  }
  return faults;
}

/** Whether a client was ended by others before it could end by itself. */
function wasStopped({ exitCode }: ClientRun): boolean {
  return exitCode === undefined || STOPPED.includes(exitCode);
}

/** `client1 was`, or `client1, client2 and client5 were`. */
function enumerate(names: string[]): string {
  if (names.length === 1) return `${names[0]} was`;
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} were`;
}

/** What a client means by its exit code. */
function meaningOf(exitCode: number): string {
  switch (exitCode) {
    case 2:
      return "its settings are wrong";
    case 3:
      return "its data are bad";
    case 4:
      return "a server refused its bets";
    case 5:
      return "no server answered";
    default:
      return exitCode > 128 ? "a signal ended it" : "see its last lines above";
  }
}

function shorten(documents: readonly string[]): string {
  let text = "";
  for (const [index, document] of documents.entries()) {
    const longer = index === 0 ? document : `${text}, ${document}`;
    if (longer.length > DOCUMENTS_CHARS_MAX) return `${text}, … ${documents.length - index} more`;
    text = longer;
  }
  return text;
}

/** Pads the columns to one width: numbers to the right, the last column to the left. */
function align(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      return column === row.length - 1 ? cell : cell.padStart(widths[column]);
    });
    return cells.join("  ").trimEnd();
  });
}
