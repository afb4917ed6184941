/**
 * Decides whether every promise was kept. The checker sees what agencies sent and received, and the
 * two files of the volume, or the streams. It knows nothing of how servers work.
 *
 * @module
 */

import { type AgencyRecord, type AgencyRecords, replay } from "./agency_record.ts";
import { type Fault, FaultList } from "./fault.ts";
import type { Event } from "./history.ts";
import { winnersOf } from "./made_bets.ts";
import { readStoredBets, type StoredBets } from "./stored_bets.ts";
import { checkStreams, type StoredStreams } from "./stored_streams.ts";

/** What the checker looks at. */
export interface Evidence {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  events: readonly Event[];
  /** bets.csv. */
  bets: Uint8Array;
  /** agencies_closed.txt. */
  closed: string;
  /** The streams from which `bets` and `closed` were made. @default {they are files of a volume} */
  streams?: StoredStreams;
  /** Whether every agency has finished. If so, every agency must have closed. */
  isComplete: boolean;
}

/** Returns every promise that was broken. */
export function check(evidence: Evidence): Fault[] {
  const faults = new FaultList();
  const records = replay(evidence, faults);
  const stored = readStoredBets(evidence.bets, records, faults);
  for (const [agency, record] of records) {
    checkStored(record, stored.get(agency)!, faults);
    if (evidence.isComplete && record.close !== "confirmed") {
      faults.add("unfinished", `agency ${agency} has not closed`);
    }
  }
  if (evidence.streams !== undefined) checkStreams(evidence.streams, records, faults);
  checkClosed(evidence.closed, records, faults);
  checkWinners(evidence.events, stored, faults);
  return faults.list();
}

function checkStored(record: AgencyRecord, stored: StoredBets, faults: FaultList): void {
  const { agency, acknowledged, batchEnds } = record;
  const { times, count } = stored;
  const lost = times.subarray(0, acknowledged).reduce((sum, n) => sum + (n === 0 ? 1 : 0), 0);
  if (lost > 0) {
    const which = `${lost} of ${acknowledged} acknowledged bets, first bet ${times.indexOf(0) + 1}`;
    faults.add("lost", `agency ${agency}: ${which}`);
  }
  const gap = times.subarray(0, count).indexOf(0);
  if (gap >= acknowledged) {
    faults.add("out of order", `agency ${agency}: bet ${gap + 1} is missing before later ones`);
  } else if (!batchEnds.has(count)) {
    faults.add("torn batch", `agency ${agency} has ${count} bets, and no batch ends there`);
  }
}

function checkClosed(closed: string, records: AgencyRecords, faults: FaultList): void {
  const lines = closed.split("\n");
  if (lines.pop() !== "") faults.add("torn row", "agencies_closed.txt does not end in a newline");
  for (const line of new Set(lines)) {
    const times = lines.filter((other) => other === line).length;
    if (times > 1) faults.add("duplicate", `agencies_closed.txt has agency ${line} ${times} times`);
    if ((records.get(Number(line))?.close ?? "not sent") === "not sent") {
      faults.add("never sent", `agencies_closed.txt has ${JSON.stringify(line)}`);
    }
  }
  for (const [agency, { close }] of records) {
    if (close === "confirmed" && !lines.includes(String(agency))) {
      faults.add("lost", `the confirmed close of agency ${agency} is missing`);
    }
  }
}

function checkWinners(
  events: readonly Event[],
  stored: ReadonlyMap<number, StoredBets>,
  faults: FaultList,
): void {
  for (const event of events) {
    if (event.type !== "winners") continue;
    const { agency, documents, server } = event;
    const expected = winnersOf(agency, stored.get(agency)!.count);
    if (documents.join(";") === expected.join(";")) continue;
    faults.add(
      "wrong winners",
      `${server} sent agency ${agency} ${documents.length} documents, and ${expected.length} of ` +
        `its bets won; first difference: ${firstDifference(documents, expected)}`,
    );
  }
}

function firstDifference(actual: readonly string[], expected: readonly string[]): string {
  const at = actual.findIndex((document, index) => document !== expected[index]);
  const index = at < 0 ? actual.length : at;
  return `${actual[index] ?? "none"} instead of ${expected[index] ?? "none"}`;
}
