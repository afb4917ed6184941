/**
 * What was found on a volume, in words and as an exit code.
 *
 * @module
 */

import type { ClosedResult } from "./closed_check.ts";
import type { Examination } from "./examination.ts";
import type { FaultList } from "./fault_list.ts";
import type { Repair } from "./repair.ts";
import { BETS_FILE, CLOSED_FILE, JOURNAL_FILE } from "../../server/ledger/file/volume_files.ts";

/** Exit codes of `deno task check`; 1 and 2 are those of every task. */
const SOUND = 0;
const TORN = 3;
const DAMAGED_BETS = 4;
const DAMAGED_CLOSED = 5;

/** Agencies that a line of the report names one by one. */
const NAMED_AGENCIES_MAX = 10;

/** Whether a server has still to tidy up the end of bets.csv, which it does by itself. */
export function isBetsTorn({ tail }: Examination): boolean {
  return tail.wholeSize < tail.size || tail.state === "shorter";
}

/** The exit code, that of the worst that was found. */
export function exitCodeOf(found: Examination): number {
  if (found.bets.faults.count > 0) return DAMAGED_BETS;
  if (found.closed.faults.count > 0) return DAMAGED_CLOSED;
  return isBetsTorn(found) || found.closed.torn !== undefined ? TORN : SOUND;
}

/** What was found, line by line. {@linkcode verdictOf} goes behind it. */
export function reportOf(found: Examination, agencies: number): string[] {
  return [
    ...betsLines(found),
    ...agencyLines(found, agencies),
    drawLine(found.closed, agencies),
    ...tailLines(found),
    ...faultLines(BETS_FILE, found.bets.faults),
    ...closedLines(found.closed, agencies),
  ];
}

/** What there is to be said of a volume after its repair. */
export function afterRepair(found: Examination, { size }: Repair): Examination {
  return { ...found, tail: { state: "whole", size, wholeSize: size } };
}

/** What a repair has done, line by line. */
export function repairLines({ side, cutBytes, size, wroteJournal }: Repair): string[] {
  if (!wroteJournal) return ["repair: there was nothing to cut off any more; nothing was changed."];
  const lines = [];
  if (side !== undefined) {
    lines.push(
      `repair: ${cutBytes} bytes were copied to ${side} beside it, then cut off ${BETS_FILE}.`,
    );
  }
  lines.push(`repair: ${JOURNAL_FILE} was written anew for ${BETS_FILE} of ${size} bytes.`);
  return lines;
}

/** Why damage is not repaired. */
export function refusalLine({ bets }: Examination): string {
  const first = bets.faults.kinds().flatMap(({ first }) => first)
    .reduce((a, b) => a.offset <= b.offset ? a : b);
  return `repair: refused, nothing was changed: line ${first.line}, at byte ${first.offset}, is ` +
    "damage in the middle, which only a person can judge.";
}

function betsLines({ snapshot, bets, tail }: Examination): string[] {
  return snapshot.betsSize === undefined
    ? [`${BETS_FILE}: is not there yet, as on a new volume`]
    : [`${BETS_FILE}: ${bets.rows} rows in ${tail.wholeSize} bytes`];
}

function agencyLines({ bets, closed }: Examination, agencies: number): string[] {
  const rows = [];
  for (let agency = 1; agency <= agencies; agency++) {
    const isClosed = closed.isClosed[agency] === 1;
    if (bets.counts[agency] === 0 && !isClosed && agencies > NAMED_AGENCIES_MAX) continue;
    rows.push([String(agency), String(bets.counts[agency]), isClosed ? "yes" : "no"]);
  }
  const left = agencies - rows.length;
  const lines = [["agency", "bets", "closed"], ...rows].map(([agency, count, isClosed]) =>
    `  ${agency.padStart(6)}  ${count.padStart(12)}  ${isClosed}`
  );
  return left === 0 ? lines : [...lines, `  ${left} more agencies: no bets, not closed`];
}

function drawLine({ isClosed, count }: ClosedResult, agencies: number): string {
  if (count === agencies) return `draw: complete, all ${agencies} agencies have closed`;
  const missing = [];
  for (let agency = 1; agency <= agencies && missing.length <= NAMED_AGENCIES_MAX; agency++) {
    if (isClosed[agency] === 0) missing.push(agency);
  }
  const names = missing.slice(0, NAMED_AGENCIES_MAX).join(", ");
  const more = missing.length > NAMED_AGENCIES_MAX ? ", …" : "";
  return `draw: not complete, ${count} of ${agencies} agencies have closed; ` +
    `not yet: ${names}${more}`;
}

function tailLines({ snapshot, tail }: Examination): string[] {
  const { state, size, wholeSize } = tail;
  const { round, hasJournal } = snapshot;
  const lines = [];
  if (state === "no journal" && size > 0) {
    const journalState = hasJournal ? "cannot be read" : "is not there";
    lines.push(
      `note: ${JOURNAL_FILE} ${journalState}: the last line end counts; the next server writes it anew`,
    );
  } else if (state === "longer") {
    lines.push(
      `note: ${BETS_FILE} has ${size} bytes, where ${JOURNAL_FILE} ends at ${
        round!.to
      }: another program has ` +
        "written to it, or power was cut",
    );
  } else if (state === "edited") {
    lines.push(
      `note: ${JOURNAL_FILE} has a round from byte ${
        round!.from
      }, where no row begins: another program ` +
        "has changed the file; the last line end counts",
    );
  } else if (state === "not started") {
    lines.push(`note: a writer ended before it wrote its round of ${round!.to - size} bytes`);
  } else if (state === "shorter") {
    lines.push(
      `torn: ${BETS_FILE} has ${size} bytes, where ${JOURNAL_FILE} knows of ${
        round!.from
      } before its last ` +
        "round. After a power cut that is in order: what is missing was not acknowledged. " +
        "Otherwise somebody has shortened it, or put an older copy in its place: find the bets again",
    );
  }
  if (wholeSize < size) {
    const why = state === "torn"
      ? `${JOURNAL_FILE} has a round from byte ${round!.from} to ${
        round!.to
      }, and a writer ended before ` +
        "it was whole; nothing of it was acknowledged"
      : "the last row has no line end";
    lines.push(`torn: the last ${size - wholeSize} bytes, from byte ${wholeSize}: ${why}`);
  }
  return lines;
}

function faultLines(name: string, faults: FaultList, level = "fault"): string[] {
  return faults.kinds().flatMap(({ kind, count, first }) => [
    `${level}: ${name}: ${kind}: ${count}${
      count > first.length ? `, the first ${first.length}` : ""
    }`,
    ...first.map(({ line, offset, text }) => `  line ${line}, byte ${offset}: ${text}`),
  ]);
}

function closedLines({ faults, notes, torn }: ClosedResult, agencies: number): string[] {
  const lines = [...faultLines(CLOSED_FILE, notes, "note"), ...faultLines(CLOSED_FILE, faults)];
  if (faults.kinds().some(({ kind }) => kind === "unknown")) {
    lines.push(`  Was AGENCIES_AMOUNT changed? It is ${agencies}.`);
  }
  if (torn !== undefined) {
    lines.push(
      `torn: ${CLOSED_FILE}: ${torn.text} at byte ${torn.offset} has no line end: that agency counts as ` +
        "not closed",
    );
  }
  return lines;
}

/** What it comes to, and what to do about it, line by line. */
export function verdictOf(found: Examination): string[] {
  const lines = [];
  if (found.bets.faults.count > 0) {
    lines.push(
      `DAMAGED: ${BETS_FILE}. Stop all servers and keep a copy of the volume. Mend the lines above by ` +
        `hand; each stands for a bet that was acknowledged. Then remove ${JOURNAL_FILE}, which knows the ` +
        "old size (the next server writes it anew), and check again.",
    );
  }
  if (found.closed.faults.count > 0) {
    lines.push(
      `DAMAGED: ${CLOSED_FILE}. Servers pass over what they do not understand. Stop all servers, mend the ` +
        "lines above by hand, one agency's number a line, and check again.",
    );
  }
  if (isBetsTorn(found)) {
    lines.push(
      `TORN: the end of ${BETS_FILE}. Nothing to do: the next server that writes mends it. To keep what ` +
        "is cut off in a file of its own, check with --repair.",
    );
  }
  if (found.closed.torn !== undefined) {
    lines.push(
      `TORN: the end of ${CLOSED_FILE}. Nothing to do: the agency closes anew, and the server that writes ` +
        "it mends the line. --repair leaves this file alone.",
    );
  }
  return lines.length === 0 ? ["SOUND"] : lines;
}
