/**
 * Turns findings about streams into text and an exit code.
 *
 * @module
 */

import type { DrawRecord } from "../../server/ledger/jetstream/draw_record.ts";
import { betsStream } from "../../server/ledger/jetstream/names.ts";
import { agencyLines, DAMAGED_BETS, DAMAGED_CLOSED, drawLine, SOUND } from "../check/report.ts";
import type { FaultList } from "../check/fault_list.ts";
import type { DrawExamination, StreamFindings } from "./draw_examination.ts";

/** Names the streams of a draw, for messages. */
export function streamNames(name: string, draw: DrawRecord): string {
  const [first, last] = [0, draw.partitions - 1].map((n) => betsStream({ name, ...draw }, n));
  return draw.partitions === 1 ? `the stream ${first}` : `the streams ${first} to ${last}`;
}

/** Returns the exit code, that of the worst finding. */
export function streamsExitCode({ streams }: DrawExamination): number {
  const isDamaged = streams.some(({ state, faults }) => state === undefined || faults.count > 0);
  if (isDamaged) return DAMAGED_BETS;
  const isUnsafe = streams.some(({ state, afterClose }) =>
    state?.fault !== undefined || afterClose.count > 0
  );
  return isUnsafe ? DAMAGED_CLOSED : SOUND;
}

/** Returns the lines of the report. */
export function streamLines(found: DrawExamination): string[] {
  const { agencies } = found.draw;
  return [
    ...found.streams.map(streamLine),
    ...agencyLines(found, agencies),
    drawLine({ isClosed: found.isClosed, count: found.closedCount }, agencies),
    ...found.streams.flatMap(({ name, state, faults, afterClose }) => [
      ...(state?.fault ?? "").split("\n").filter((line) => line !== "").map((line, index) =>
        index === 0 ? `unsafe: ${line}` : line
      ),
      ...messageLines(name, faults),
      ...messageLines(name, afterClose),
    ]),
  ];
}

function streamLine({ name, state, rows, bytes }: StreamFindings): string {
  if (state === undefined) return `${name}: is missing`;
  return `${name}: ${state.messages} messages with ${rows} bets in ${bytes} bytes`;
}

function messageLines(name: string, faults: FaultList): string[] {
  return faults.kinds().flatMap(({ kind, count, first }) => [
    `fault: ${name}: ${kind}: ${count}${count > first.length ? `, the first ${first.length}` : ""}`,
    ...first.map(({ number, text }) => `  message ${number}: ${text}`),
  ]);
}

/** Returns the verdict and the advice for it. */
export function streamsVerdict(found: DrawExamination): string[] {
  const { streams } = found;
  const lines: string[] = [];
  const missing = streams.filter(({ state }) => state === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    lines.push(
      `LOST: ${
        missing.join(", ")
      }. No server starts. Restore what is missing from a backup, as docs/operations.md ` +
        "says; without one, export what is left and begin a new draw with ./denow task reset.",
    );
  }
  if (streams.some(({ faults }) => faults.count > 0)) {
    lines.push(
      "DAMAGED: messages that no server has written so, or that are missing. Stop all servers. Nobody but servers " +
        "may publish to these subjects, and no node may lack sync_interval: always (./denow task doctor). Restore " +
        "the streams from a backup; ./denow task export writes out what is there.",
    );
  }
  if (streams.some(({ afterClose }) => afterClose.count > 0)) {
    lines.push("DAMAGED: messages after the close of their agency, which no server writes.");
  }
  if (streams.some(({ state }) => state?.fault !== undefined)) {
    lines.push(
      "UNSAFE: streams that may lose what they store. Servers refuse to start: change them as said above.",
    );
  }
  return lines.length === 0 ? ["SOUND"] : lines;
}
