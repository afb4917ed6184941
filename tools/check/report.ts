/**
 * Turns findings about a volume into text and an exit code.
 *
 * @module
 */

import {
  BETS_FILE,
  CLOSED_FILE,
  DISK_FAILURE_FILE,
  JOURNAL_FILE,
} from "../../server/ledger/file/volume_files.ts";
import type { ClosedResult } from "./closed_check.ts";
import type { Examination } from "./examination.ts";
import type { FaultList } from "./fault_list.ts";
import type { RecoveryPlan } from "../../server/ledger/file/log_recovery.ts";
import type { Repair } from "./repair.ts";

/** Exit codes of `deno task check`. 1 and 2 are those of every task. */
export const SOUND = 0;
const TORN = 3;
export const DAMAGED_BETS = 4;
export const DAMAGED_CLOSED = 5;
/** Nothing is wrong with the files, but servers do not start. 6 is that of a comparison. */
const DISK_FAILED = 7;

/** Most agencies that a line of the report names. */
const NAMED_AGENCIES_MAX = 10;

/** Returns whether a server still has to recover the end of bets.csv, which it does by itself. */
function isBetsTorn({ tail, plan, lacksLineEnd }: Examination): boolean {
  return tail.wholeSize !== tail.size || tail.state === "shorter" || lacksLineEnd ||
    plan !== undefined && plan.leftOut.length > 0;
}

/** Returns the exit code, that of the worst finding. */
export function exitCodeOf(found: Examination): number {
  const { bets, closed, hasHugeHole, losses } = found;
  const hasLostBets = losses.some(({ file }) => file === BETS_FILE);
  if (bets.faults.count > 0 || hasLostBets || hasHugeHole) return DAMAGED_BETS;
  if (closed.faults.count > 0 || losses.length > 0) return DAMAGED_CLOSED;
  if (isBetsTorn(found) || found.closed.torn !== undefined) return TORN;
  return found.snapshot.hasDiskFailure ? DISK_FAILED : SOUND;
}

/** Returns the lines of the report. Those of {@linkcode verdictOf} follow it. */
export function reportOf(found: Examination, agencies: number): string[] {
  return [
    betsLine(found),
    ...agencyLines({ counts: found.bets.counts, isClosed: found.closed.isClosed }, agencies),
    drawLine(found.closed, agencies),
    ...tailLines(found),
    ...found.losses.map(({ text }) => `lost: ${text}`),
    ...faultLines(BETS_FILE, found.bets.faults),
    ...closedLines(found.closed, agencies),
  ];
}

/** Returns the findings that are left after a repair. */
export function afterRepair(found: Examination, { size }: Repair): Examination {
  const tail = { state: "whole" as const, size, wholeSize: size };
  return { ...found, tail, plan: undefined, hasHugeHole: false };
}

/** Returns the lines about a repair. */
export function repairLines(repair: Repair | undefined): string[] {
  if (repair === undefined) return ["repair: there is nothing to recover; nothing was changed."];
  const { copy, cutBytes, size } = repair;
  const recovered = `repair: ${BETS_FILE} is recovered, and durable, with ${size} bytes.`;
  if (cutBytes === 0) return [recovered];
  const cut =
    `repair: ${cutBytes} bytes that no redo log holds were copied to ${copy} and left out.`;
  return [cut, recovered];
}

/** Returns why a volume is not repaired; nothing if it can be. */
export function refusalLine(found: Examination): string | undefined {
  const refused = "repair: refused, nothing was changed";
  const first = found.bets.faults.first();
  if (first !== undefined) {
    return `${refused}: line ${first.number}, at byte ${first.offset}, is damaged, and only a person ` +
      "can judge how to repair it.";
  }
  if (found.losses.length > 0) return `${refused}: it would not bring back what is missing.`;
  if (found.lacksLineEnd) return `${refused}: the next server adds the line end.`;
}

function betsLine({ snapshot, bets, tail }: Examination): string {
  if (snapshot.betsSize !== undefined) {
    return `${BETS_FILE}: ${bets.rows} rows in ${tail.wholeSize} bytes`;
  }
  return snapshot.durableSize > 0
    ? `${BETS_FILE}: does not exist any more`
    : `${BETS_FILE}: does not exist yet, as on a new volume`;
}

/** Returns a table of the agencies, without those that have done nothing if there are many. */
export function agencyLines(
  found: { counts: Float64Array; isClosed: Uint8Array },
  agencies: number,
): string[] {
  const rows = [["agency", "bets", "closed"]];
  for (let agency = 1; agency <= agencies; agency++) {
    const [count, isClosed] = [found.counts[agency], found.isClosed[agency] === 1];
    if (count === 0 && !isClosed && agencies > NAMED_AGENCIES_MAX) continue;
    rows.push([String(agency), String(count), isClosed ? "yes" : "no"]);
  }
  const lines = rows.map(([agency, count, isClosed]) =>
    `  ${agency.padStart(6)}  ${count.padStart(12)}  ${isClosed}`
  );
  const left = agencies - (rows.length - 1);
  return left === 0 ? lines : [...lines, `  ${left} more agencies: no bets, not closed`];
}

/** Returns a line about which agencies have closed. */
export function drawLine(
  { isClosed, count }: Pick<ClosedResult, "isClosed" | "count">,
  agencies: number,
): string {
  if (count === agencies) return `draw: complete, all ${agencies} agencies have closed`;
  const open = Array.from({ length: agencies }, (_, index) => index + 1)
    .filter((agency) => isClosed[agency] === 0);
  const names = open.slice(0, NAMED_AGENCIES_MAX).join(", ");
  return `draw: not complete, ${count} of ${agencies} agencies have closed; ` +
    `still open: ${names}${open.length > NAMED_AGENCIES_MAX ? ", …" : ""}`;
}

function tailLines(found: Examination): string[] {
  const { tail: { size, wholeSize }, lacksLineEnd, snapshot: { journal } } = found;
  const round = journal.round ?? journal.earlier?.round;
  const isPlanned = found.tail.state === "unrecovered";
  const lines = isPlanned ? recoveryLines(found.plan!) : [];
  const text = explainState(found);
  if (text !== undefined) lines.push(text);
  if (lacksLineEnd) lines.push(`torn: the last row of ${BETS_FILE} has lost its line end`);
  if (!isPlanned && wholeSize < size) {
    const why = found.hasHugeHole
      ? "more zeros than servers can have left"
      : found.tail.state === "torn"
      ? `${JOURNAL_FILE} announces a round from byte ${round!.from} to ${
        round!.to
      }, and its writer ` +
        "ended before the round was complete; nothing of it was acknowledged"
      : "the last row has no line end";
    lines.push(`torn: the last ${size - wholeSize} bytes, from byte ${wholeSize}: ${why}`);
  }
  return lines;
}

/** Says what the next server does. */
function recoveryLines({ rounds, leftOut }: RecoveryPlan): string[] {
  const lines = [];
  if (rounds.length > 0) {
    const bytes = rounds.reduce((sum, { rows }) => sum + rows.length, 0);
    lines.push(
      `note: no server is running; the next one writes the last ${rounds.length} rounds, ${bytes} bytes, from ` +
        "the redo logs. They are counted above",
    );
  }
  for (const { from, to } of leftOut) {
    lines.push(
      `torn: ${
        to - from
      } bytes from byte ${from}: no redo log holds them, and they were never acknowledged`,
    );
  }
  return lines;
}

/** Explains how the end of bets.csv differs from what the journal announces. */
function explainState({ snapshot, tail: { state, size } }: Examination): string | undefined {
  const { round, earlier } = snapshot.journal;
  const { from, to } = round ?? earlier?.round ?? { from: 0, to: 0 };
  switch (state) {
    case "no journal":
      if (size === 0) return undefined;
      return `note: ${JOURNAL_FILE} is ${snapshot.hasJournal ? "damaged" : "missing"}: ` +
        `${BETS_FILE} counts up to its last line end; the next server writes the journal again`;
    case "longer":
      return `note: ${BETS_FILE} has ${size} bytes, but ${JOURNAL_FILE} ends at ${to}: another ` +
        "program has written to it";
    case "edited":
      return `note: ${JOURNAL_FILE} announces a round from byte ${from}, where no row begins: another ` +
        `program has changed ${BETS_FILE}, which counts up to its last line end`;
    case "outdated":
      return `note: ${JOURNAL_FILE} is an older copy: it announces a round that begins before what is ` +
        "durable";
    case "shorter":
      return `torn: ${BETS_FILE} has ${size} bytes, but ${JOURNAL_FILE} begins its last round at ` +
        `${from}. After a power cut this is normal: the missing bytes were not acknowledged. ` +
        "Otherwise the file was truncated, or replaced by an older copy: find the missing bets";
    case "not started":
      return `note: a writer ended before it wrote its round of ${to - size} bytes`;
  }
}

function faultLines(name: string, faults: FaultList, level = "fault"): string[] {
  return faults.kinds().flatMap(({ kind, count, first }) => [
    `${level}: ${name}: ${kind}: ${count}${
      count > first.length ? `, the first ${first.length}` : ""
    }`,
    ...first.map(({ number, offset, text }) => `  line ${number}, byte ${offset}: ${text}`),
  ]);
}

function closedLines({ faults, notes, torn }: ClosedResult, agencies: number): string[] {
  const lines = [...faultLines(CLOSED_FILE, notes, "note"), ...faultLines(CLOSED_FILE, faults)];
  if (faults.kinds().some(({ kind }) => kind === "unknown")) {
    lines.push(`  Was AGENCIES_AMOUNT changed? It is ${agencies}.`);
  }
  if (torn !== undefined) {
    lines.push(
      `torn: ${CLOSED_FILE}: ${torn.text} at byte ${torn.offset} has no line end: that agency counts ` +
        "as not closed",
    );
  }
  return lines;
}

/** Returns the verdict and the advice for it, line by line. */
export function verdictOf(found: Examination): string[] {
  const lines = [];
  if (found.losses.length > 0) {
    lines.push(
      "LOST: what was durable is missing, and servers refuse to start. Stop all servers and " +
        "restore the volume from a backup. Without one, accept the loss with --accept-loss; it keeps both files.",
    );
  }
  if (found.bets.faults.count > 0) {
    lines.push(
      `DAMAGED: ${BETS_FILE}. Stop all servers and keep a copy of the volume. Repair the lines above ` +
        "by hand; each stands for an acknowledged bet. If the file is shorter then, accept that with " +
        "--accept-loss. Then check again.",
    );
  }
  if (found.closed.faults.count > 0) {
    lines.push(
      `DAMAGED: ${CLOSED_FILE}. Servers ignore lines that they do not understand. Stop all servers, ` +
        "repair the lines above by hand, one agency's number a line, and check again.",
    );
  }
  if (found.hasHugeHole) {
    lines.push(
      `HOLE: ${BETS_FILE} ends in more than 64 MiB of zeros, and servers refuse to start. Stop all servers and ` +
        "cut them off with --repair.",
    );
  } else if (isBetsTorn(found)) {
    lines.push(
      `TORN: the end of ${BETS_FILE}. Nothing to do: the next server recovers it, and keeps a copy of what ` +
        "it truncates.",
    );
  }
  if (found.closed.torn !== undefined) {
    lines.push(
      `TORN: the end of ${CLOSED_FILE}. Nothing to do: the agency closes again, and the server that ` +
        "records it recovers the line. --repair does not change this file.",
    );
  }
  if (found.snapshot.hasDiskFailure) {
    lines.push(
      `DISK FAILED: ${DISK_FAILURE_FILE} says when and how, and servers refuse to start. Check the disk, then ` +
        "clear the note with --clear-disk-failure.",
    );
  }
  return lines.length === 0 ? ["SOUND"] : lines;
}
