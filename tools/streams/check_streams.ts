/**
 * Checks the streams of the current draw, or compares them with an agency's file.
 *
 * @module
 */

import type { DrawRecord } from "../../server/ledger/jetstream/draw_record.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { compareBets, type StoredRow } from "../check/comparison.ts";
import { type Compared, comparisonExitCode, comparisonLines } from "../check/comparison_report.ts";
import { DrawExaminer } from "./draw_examination.ts";
import type { StreamLedger } from "./stream_ledger.ts";
import { streamLines, streamsExitCode, streamsVerdict } from "./stream_report.ts";

/** What a check prints, and its exit code. */
export interface CheckResult {
  lines: string[];
  exitCode: number;
}

/**
 * Checks all streams of the current draw.
 *
 * @throws {TaskError} If they cannot be read.
 */
export async function checkStreams(streams: StreamLedger): Promise<CheckResult> {
  const listed = await streams.currentDraw();
  if (listed === undefined) return NO_DRAW;
  const beginMs = performance.now();
  const found = await new DrawExaminer(streams, listed.draw).examine();
  const seconds = ((performance.now() - beginMs) / 1000).toFixed(1);
  const lines = [
    `${titleOf(streams, listed.draw)}, read in ${seconds} s`,
    ...streamLines(found),
    ...streamsVerdict(found),
  ];
  return { lines, exitCode: streamsExitCode(found) };
}

/**
 * Compares what is stored of an agency with its file.
 *
 * @throws {BetFileError} If a line of the file is not a valid bet.
 */
export async function compareStreams(
  streams: StreamLedger,
  compared: Compared,
): Promise<CheckResult> {
  const listed = await streams.currentDraw();
  if (listed === undefined) return NO_DRAW;
  const { draw } = listed;
  const rows = rowsOfAgency(new DrawExaminer(streams, draw), compared.agency);
  const comparison = await compareBets({ ...compared, rows });
  const lines = [titleOf(streams, draw), ...comparisonLines(comparison, compared)];
  return { lines, exitCode: comparisonExitCode(comparison) };
}

const NO_DRAW: CheckResult = {
  lines: ["There is no draw yet: the first server begins one", "SOUND"],
  exitCode: 0,
};

function titleOf({ name }: StreamLedger, { id, createdAt }: DrawRecord): string {
  return `lottery: ${name}, draw ${id} of ${createdAt}`;
}

/** Yields the rows of an agency, in their order. */
async function* rowsOfAgency(
  examiner: DrawExaminer,
  agency: number,
): AsyncGenerator<StoredRow, void> {
  for await (const message of examiner.messages()) {
    if (message.agency !== agency) continue;
    const { rows, sequence, stream } = message;
    for (let from = 0, end, count = 1; from < rows.length; from = end + 1, count++) {
      end = rows.indexOf(LINE_FEED, from);
      const number = count;
      const place = () => `row ${number} of message ${sequence} of ${stream}`;
      yield { row: rows.subarray(from, end), place };
    }
  }
}
