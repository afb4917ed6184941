/**
 * Rows in the order in which they are stored, cut where the agency changes.
 *
 * @module
 */

import { COMMA, LINE_FEED } from "../../shared/ascii.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { parseDigits } from "../../shared/bytes.ts";

/** Neighboring rows of one agency, as in a batch. */
export interface AgencyRun {
  agency: number;
  rows: Uint8Array;
}

/** Cuts whole rows into runs. */
export function* agencyRuns(rows: Uint8Array): Generator<AgencyRun> {
  let [start, current] = [0, 0];
  for (let at = 0; at < rows.length;) {
    const agency = parseDigits(rows, at, rows.indexOf(COMMA, at), AGENCIES_MAX);
    if (agency !== current && at > start) {
      yield { agency: current, rows: rows.subarray(start, at) };
      start = at;
    }
    current = agency;
    at = rows.indexOf(LINE_FEED, at) + 1;
  }
  if (rows.length > start) yield { agency: current, rows: rows.subarray(start) };
}
