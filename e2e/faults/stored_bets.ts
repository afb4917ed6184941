/**
 * What bets.csv holds of each agency.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";
import type { AgencyRecord, AgencyRecords } from "./agency_record.ts";
import type { FaultList } from "./fault.ts";
import { indexOf, rowOf } from "./made_bets.ts";

/** A row of bets.csv and its place. */
interface Row {
  text: string;
  /** Its line number, counted from 1. */
  line: number;
  /** Where it begins. */
  offset: number;
}

/** The stored bets of one agency. */
export class StoredBets {
  readonly #record: AgencyRecord;
  /** How often each of the agency's bets is stored, counted up to 255. */
  readonly times: Uint8Array;
  /** One more than the highest index that is stored. */
  count = 0;

  constructor(record: AgencyRecord) {
    this.#record = record;
    this.times = new Uint8Array(record.sent);
  }

  /** Adds a row of this agency, and reports the promises that it breaks. */
  add({ text, line, offset }: Row, document: string, faults: FaultList): void {
    const { agency, sent, closedAt } = this.#record;
    const index = indexOf(agency, document);
    if (index < 0 || index >= sent || rowOf(agency, index) !== text) {
      return addUnknown({ text, line, offset }, faults);
    }
    const which = `line ${line}: bet ${index + 1} of agency ${agency}`;
    if (this.times[index] > 0) faults.add("duplicate", which);
    else if (index < this.count - 1) faults.add("out of order", `${which} after bet ${this.count}`);
    if (offset >= closedAt) {
      faults.add("late", `${which} at byte ${offset}; the agency had closed at byte ${closedAt}`);
    }
    this.times[index] = Math.min(255, this.times[index] + 1);
    this.count = Math.max(this.count, index + 1);
  }
}

/** Reads bets.csv, and reports the promises that its rows break. */
export function readStoredBets(
  bets: Uint8Array,
  records: AgencyRecords,
  faults: FaultList,
): Map<number, StoredBets> {
  const stored = new Map([...records].map(([agency, record]) => [agency, new StoredBets(record)]));
  for (const row of rowsOf(bets, faults)) {
    const match = /^(\d+),.*,(\d+),[^,]*,[^,]*$/.exec(row.text);
    const ofAgency = stored.get(Number(match?.[1]));
    if (match === null || ofAgency === undefined) addUnknown(row, faults);
    else ofAgency.add(row, match[2], faults);
  }
  return stored;
}

function* rowsOf(bets: Uint8Array, faults: FaultList): Generator<Row> {
  const decoder = new TextDecoder();
  let offset = 0;
  for (let line = 1; offset < bets.length; line++) {
    const end = bets.indexOf(LINE_FEED, offset);
    if (end < 0) {
      faults.add("torn row", `line ${line} at byte ${offset} has no newline`);
      return;
    }
    yield { text: decoder.decode(bets.subarray(offset, end)), line, offset };
    offset = end + 1;
  }
}

function addUnknown({ text, line }: Row, faults: FaultList): void {
  faults.add("never sent", `line ${line}: ${JSON.stringify(text.slice(0, 120))}`);
}
