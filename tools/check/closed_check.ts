/**
 * Checks agencies_closed.txt line by line.
 *
 * @module
 */

import { type LineFault, quoteBytes } from "../../server/ledger/bet_row.ts";
import { parseClosedLine } from "../../server/ledger/file/closed_agencies.ts";
import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { FaultList } from "./fault_list.ts";
import { type Line, scanLines } from "./lines.ts";

/** Longest line that is read whole. Servers write at most four digits and a line end. */
const LINE_BYTES_MAX = 16;

/** What agencies_closed.txt contains. */
export interface ClosedResult {
  /** 1 for each agency that has closed. */
  isClosed: Uint8Array;
  /** How many of the lottery's agencies have closed. */
  count: number;
  faults: FaultList;
  /** Lines that servers understand but do not write in this form. */
  notes: FaultList;
  /** A last line without a line end, which servers ignore. */
  torn?: { offset: number; text: string };
}

/**
 * Checks the first `size` bytes of agencies_closed.txt.
 *
 * @throws {TruncatedError} If the file has become shorter.
 */
export function checkClosed(read: ReadAt, size: number, agencies: number): ClosedResult {
  const isClosed = new Uint8Array(AGENCIES_MAX + 1);
  const faults = new FaultList();
  const notes = new FaultList();
  const onLine = (line: Line) => {
    const bytes = line.bytes.subarray(line.from, line.to);
    const agency = parseClosedLine(new TextDecoder().decode(bytes));
    const fault = explainLine(bytes, { agency, agencies, isClosed });
    if (fault !== undefined) return faults.add(fault, line);
    isClosed[agency] = 1;
    const text = quoteBytes(bytes);
    if (text !== `"${agency}"`) {
      notes.add({ kind: "spelling", text: `${text} is read as agency ${agency}` }, line);
    }
  };
  const { end, rest } = scanLines({ read, to: size, lineBytesMax: LINE_BYTES_MAX, onLine });
  const count = isClosed.reduce((sum, one) => sum + one, 0);
  const torn = end < size ? { offset: end, text: quoteBytes(rest) } : undefined;
  return { isClosed, count, faults, notes, torn };
}

function explainLine(
  bytes: Uint8Array,
  { agency, agencies, isClosed }: { agency: number; agencies: number; isClosed: Uint8Array },
): LineFault | undefined {
  if (agency === 0) {
    return { kind: "no agency", text: `${quoteBytes(bytes)} is not an agency's number` };
  }
  if (agency > agencies) {
    return { kind: "unknown", text: `${agency} is over ${agencies}, the number of agencies` };
  }
  if (isClosed[agency] === 1) return { kind: "twice", text: `${agency} is there already` };
}
