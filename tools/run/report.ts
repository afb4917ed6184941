/**
 * The report of a run: what every agency has sent, stored and won, and whether it all agrees.
 *
 * @module
 */

import type { ClientRun, RunWatch } from "./run_watch.ts";
import type { AgencyTally } from "./stored_bets.ts";

/** Maximum length of a list of documents in the table. */
const DOCUMENTS_CHARS_MAX = 60;

/** Exit codes of a client that was stopped, by SIGINT or SIGTERM. */
const STOPPED: readonly number[] = [130, 143];

/** What a client means by its exit code. */
const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  2: "invalid settings",
  3: "invalid bets",
  4: "a server refused its bets",
  5: "no server answered",
};

const NO_BETS: AgencyTally = { stored: 0, documents: [] };

/**
 * Compares what the services have logged with the bets in bets.csv, by agency.
 *
 * @returns The lines of a table, and everything that went wrong.
 */
export function reportRun(
  { clients, servers, elapsedMs }: Pick<RunWatch, "clients" | "servers" | "elapsedMs">,
  tallies: ReadonlyMap<number, AgencyTally>,
): { table: string[]; faults: string[] } {
  const tallyOf = (client: ClientRun) => tallies.get(client.agency) ?? NO_BETS;
  const head = ["agency", "bets sent", "bets stored", "winners", "documents"];
  const rows = clients.map((client) => tableRow(client, tallyOf(client)));
  const sum = (column: number) => String(rows.reduce((all, row) => all + Number(row[column]), 0));
  const total = ["all", sum(1), sum(2), sum(3), `in ${(elapsedMs / 1000).toFixed(1)} s`];
  const faults = clients.flatMap((client) => faultsOf(client, tallyOf(client)));
  const stopped = clients.filter(wasStopped).map(({ agency }) => `client${agency}`);
  if (stopped.length > 0) {
    const names = new Intl.ListFormat("en-GB").format(stopped);
    faults.push(`${names} ${stopped.length === 1 ? "was" : "were"} stopped before the draw`);
  }
  for (const [agency, { stored }] of tallies) {
    if (agency >= 1 && agency <= clients.length) continue;
    faults.push(`bets.csv has ${stored} bets of agency ${agency}, which has no client`);
  }
  for (const [name, exitCode = "unknown"] of servers) {
    if (exitCode !== 0) faults.push(`${name} ended with exit code ${exitCode}`);
  }
  return { table: align([head, ...rows, total]), faults };
}

function tableRow({ agency, sent = 0, documents = [] }: ClientRun, { stored }: AgencyTally) {
  return [...[agency, sent, stored, documents.length].map(String), shorten(documents)];
}

function faultsOf(client: ClientRun, tally: AgencyTally): string[] {
  const { agency, sent, documents, exitCode, error } = client;
  const faults: string[] = [];
  if (exitCode && !wasStopped(client)) {
    const meaning = EXIT_MEANINGS[exitCode] ??
      (exitCode > 128 ? "killed by a signal" : "see its last lines above");
    const reason = error === undefined ? "" : `: ${error}`;
    faults.push(`client${agency} ended with exit code ${exitCode} (${meaning})${reason}`);
  }
  if (sent !== undefined && sent !== tally.stored) {
    faults.push(
      `agency ${agency} has sent ${sent} bets, but bets.csv has ${tally.stored} of its bets`,
    );
  }
  if (documents !== undefined && documents.join(";") !== tally.documents.join(";")) {
    const [received, stored] = [documents, tally.documents].map((all) => shorten(all) || "none");
    faults.push(
      `agency ${agency} received the winners ${received}, but those in bets.csv are ${stored}`,
    );
  }
  if (exitCode === 0 && (sent === undefined || documents === undefined)) {
    faults.push(`client${agency} ended with exit code 0 without logging its bets and winners`);
  }
  return faults;
}

/** Whether a client was stopped before it could finish. */
function wasStopped({ exitCode }: ClientRun): boolean {
  return exitCode === undefined || STOPPED.includes(exitCode);
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

/** Aligns the columns: the last to the left, the others, which are numbers, to the right. */
function align(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const numbers = row.slice(0, -1).map((cell, column) => cell.padStart(widths[column]));
    return [...numbers, row.at(-1)].join("  ").trimEnd();
  });
}
