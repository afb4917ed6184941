/**
 * agencies_closed.txt, line by line.
 *
 * @module
 */

import { parseClosedLine } from "../../server/ledger/file/closed_agencies.ts";
import type { ReadAt } from "../../server/ledger/file/recovery.ts";
import { AGENCIES_MAX } from "../../shared/bet.ts";
import { shownBytes } from "./bet_rows.ts";
import { FaultList } from "./fault_list.ts";
import { type Line, scanLines } from "./lines.ts";

/** Longest line that is looked at. A server writes at most four digits and a line end. */
const LINE_BYTES_MAX = 16;

/** What was found in agencies_closed.txt. */
export interface ClosedResult {
  /** By agency, 1 for those that have closed. */
  isClosed: Uint8Array;
  /** How many of the lottery's agencies have closed. */
  count: number;
  faults: FaultList;
  /** Lines that servers understand, though they would write them otherwise. */
  notes: FaultList;
  /** Where the last line end is left behind, and what follows; servers take it for not written. */
  torn?: { offset: number; length: number; text: string };
}

/**
 * Checks the first `size` bytes.
 *
 * @throws {FileCutError} If the file is shorter by now.
 */
export function checkClosed(read: ReadAt, size: number, agencies: number): ClosedResult {
  const isClosed = new Uint8Array(AGENCIES_MAX + 1);
  const result: ClosedResult = {
    isClosed,
    count: 0,
    faults: new FaultList(),
    notes: new FaultList(),
  };
  const onLine = (line: Line) => checkLine(line, { agencies, result });
  const { end, rest } = scanLines({ read, to: size, lineBytesMax: LINE_BYTES_MAX, onLine });
  if (end < size) result.torn = { offset: end, length: size - end, text: shownBytes(rest) };
  return result;
}

function checkLine(
  line: Line,
  { agencies, result }: { agencies: number; result: ClosedResult },
): void {
  const { isClosed, faults, notes } = result;
  const text = shownBytes(line.bytes.subarray(line.from, line.to));
  const agency = parseClosedLine(new TextDecoder().decode(line.bytes.subarray(line.from, line.to)));
  if (agency === 0) {
    faults.add({ kind: "no agency", text: `${text} is no agency's number` }, line);
  } else if (agency > agencies) {
    const unknown = `${agency} is over ${agencies}, the number of agencies`;
    faults.add({ kind: "unknown", text: unknown }, line);
  } else if (isClosed[agency] === 1) {
    faults.add({ kind: "twice", text: `${agency} was there before` }, line);
  } else {
    isClosed[agency] = 1;
    result.count++;
    if (text !== `"${agency}"`) {
      notes.add({ kind: "spelling", text: `${text} is read as agency ${agency}` }, line);
    }
  }
}
