/**
 * bets.csv from its first byte to its last whole row.
 *
 * @module
 */

import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { ROW_BYTES_MAX, RowChecker, type RowRules, shownBytes } from "./bet_rows.ts";
import { FaultList } from "./fault_list.ts";
import { scanLines } from "./lines.ts";

/** What was found in bets.csv. */
export interface BetsResult {
  rows: number;
  /** Sound rows by agency. */
  counts: Float64Array;
  faults: FaultList;
}

/**
 * Checks each row of the first `wholeSize` bytes.
 *
 * @throws {FileCutError} If the file is shorter by now.
 */
export function checkBets(read: ReadAt, wholeSize: number, rules: RowRules): BetsResult {
  const checker = new RowChecker(rules);
  const counts = new Float64Array(AGENCIES_MAX + 1);
  const faults = new FaultList();
  const { lines, end, rest } = scanLines({
    read,
    to: wholeSize,
    lineBytesMax: ROW_BYTES_MAX,
    onLine: (line) => {
      const { bytes, from, to } = line;
      if (line.length > ROW_BYTES_MAX) {
        const isNull = bytes.subarray(from, to).includes(0);
        const kind = isNull ? "NUL bytes" : "too long";
        const text = `is ${line.length} bytes long, where no bet needs more than ` +
          `${ROW_BYTES_MAX}: ${shownBytes(bytes.subarray(from, to))}`;
        faults.add({ kind, text }, line);
        return;
      }
      const fault = checker.check(bytes, from, to);
      if (fault === undefined) counts[checker.agency]++;
      else faults.add(fault, line);
    },
  });
  if (end < wholeSize) {
    const text = `has no line end within its ${wholeSize - end} bytes, though the journal counts ` +
      `them as whole: ${shownBytes(rest)}`;
    faults.add({ kind: "line end", text }, { number: lines + 1, offset: end });
  }
  return { rows: lines, counts, faults };
}
