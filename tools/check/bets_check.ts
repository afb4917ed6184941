/**
 * Checks bets.csv row by row.
 *
 * @module
 */

import {
  type LineFault,
  quoteBytes,
  ROW_BYTES_MAX,
  RowChecker,
  type RowRules,
} from "../../server/ledger/bet_row.ts";
import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { FaultList } from "./fault_list.ts";
import { type Line, scanLines } from "./lines.ts";

/** What bets.csv contains. */
export interface BetsResult {
  /** Rows, the invalid ones included. */
  rows: number;
  /** Valid rows by agency. */
  counts: Float64Array;
  faults: FaultList;
}

/**
 * Checks the rows in the first `wholeSize` bytes of bets.csv.
 *
 * @throws {TruncatedError} If the file has become shorter.
 */
export function checkBets(read: ReadAt, wholeSize: number, rules: RowRules): BetsResult {
  const checker = new RowChecker(rules);
  const counts = new Float64Array(AGENCIES_MAX + 1);
  const faults = new FaultList();
  const onLine = (line: Line) => {
    const fault = line.length > ROW_BYTES_MAX
      ? explainLength(line)
      : checker.check(line.bytes, line.from, line.to);
    if (fault === undefined) counts[checker.agency]++;
    else faults.add(fault, line);
  };
  const { lines, end, rest } = scanLines({
    read,
    to: wholeSize,
    lineBytesMax: ROW_BYTES_MAX,
    onLine,
  });
  if (end < wholeSize) {
    const text =
      `has no line end within its ${wholeSize - end} bytes, although the journal counts ` +
      `them as complete: ${quoteBytes(rest)}`;
    faults.add({ kind: "line end", text }, { number: lines + 1, offset: end });
  }
  return { rows: lines, counts, faults };
}

function explainLength({ bytes, from, to, length }: Line): LineFault {
  const row = bytes.subarray(from, to);
  return {
    kind: row.includes(0) ? "NUL bytes" : "too long",
    text: `is ${length} bytes long, but no bet needs more than ${ROW_BYTES_MAX}: ${
      quoteBytes(row)
    }`,
  };
}
