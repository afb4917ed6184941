/**
 * Recorded runs for tests of the checker: a run without faults, and the same with a change.
 *
 * @module
 */

import type { Evidence } from "../checker.ts";
import type { Fault, FaultKind } from "../fault.ts";
import type { Event } from "../history.ts";
import { rowOf, winnersOf } from "../made_bets.ts";

/** Bets of a batch. */
export const BATCH = 50;

/** A run without faults: two agencies with two batches each. */
export function goodRun(): Evidence & { events: Event[] } {
  const events: Event[] = [];
  let text = "";
  for (const from of [0, BATCH]) {
    for (const agency of [1, 2]) {
      const batch = { agency, from, to: from + BATCH };
      events.push({ type: "progress", agency, bets: from });
      events.push({ type: "sent", ...batch }, { type: "stored", ...batch });
      text += rowsOf(agency, from, from + BATCH);
    }
  }
  const bets = new TextEncoder().encode(text);
  for (const agency of [1, 2]) {
    events.push({ type: "close sent", agency });
    events.push({ type: "closed", agency, fileSize: bets.length });
  }
  for (const agency of [1, 2]) {
    const documents = winnersOf(agency, 2 * BATCH);
    events.push({ type: "winners", agency, documents, server: "server1" });
  }
  return { agencies: 2, events, bets, closed: "1\n2\n", isComplete: true };
}

/** Rows of an agency: its bets from index `from` up to `to`. */
export function rowsOf(agency: number, from: number, to: number): string {
  let rows = "";
  for (let index = from; index < to; index++) rows += `${rowOf(agency, index)}\n`;
  return rows;
}

/** The same with other rows in bets.csv. */
export function withRows(change: (rows: string[]) => string[]): Evidence {
  const run = goodRun();
  const rows = new TextDecoder().decode(run.bets).split("\n").slice(0, -1);
  const text = change(rows).map((row) => `${row}\n`).join("");
  return { ...run, bets: new TextEncoder().encode(text) };
}

/** The same with other events. */
export function withEvents(change: (events: Event[]) => Event[]): Evidence {
  const run = goodRun();
  return { ...run, events: change(run.events) };
}

/** The same with more at the end of bets.csv. */
export function withTail(tail: string): Evidence {
  const run = goodRun();
  return { ...run, bets: new Uint8Array([...run.bets, ...new TextEncoder().encode(tail)]) };
}

/** The kinds of faults, each once, in alphabetical order. */
export function kindsOf(faults: Fault[]): FaultKind[] {
  return [...new Set(faults.map(({ kind }) => kind))].sort();
}

/** A run in which the checker must find faults. */
export interface FaultyRun {
  name: string;
  evidence: Evidence;
  /** The kinds of faults to find, in alphabetical order. */
  kinds: FaultKind[];
  /** A part of the message. */
  says: string;
}
