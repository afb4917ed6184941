/**
 * Checks the streams of the current draw, or compares them with an agency's file.
 *
 * @module
 */

import type { DrawRecord } from "../../server/ledger/jetstream/draw_record.ts";
import { LINE_FEED } from "../../shared/ascii.ts";
import { compareBets, type StoredRow } from "../check/comparison.ts";
import { type Compared, comparisonLines, comparisonReport } from "../check/comparison_report.ts";
import { faultsOf, ledgerReport } from "../check/json_report.ts";
import type { CheckReport, ComparisonReport } from "../json_reports.ts";
import { DrawExaminer } from "./draw_examination.ts";
import type { StreamLedger } from "./stream_ledger.ts";
import { streamLines, streamsExitCode, streamsVerdict } from "./stream_report.ts";

/** What a check prints, and its exit code. */
export interface CheckResult {
  lines: string[];
  exitCode: number;
  /** The same for a program. */
  report: CheckReport | ComparisonReport;
}

/**
 * Checks all streams of the current draw.
 *
 * @throws {TaskError} If they cannot be read.
 */
export async function checkStreams(streams: StreamLedger): Promise<CheckResult> {
  const listed = await streams.currentDraw();
  if (listed === undefined) return noDraw(streams);
  const beginMs = performance.now();
  const found = await new DrawExaminer(streams, listed.draw).examine();
  const seconds = ((performance.now() - beginMs) / 1000).toFixed(1);
  const lines = [...streamLines(found), ...streamsVerdict(found)];
  const exitCode = streamsExitCode(found);
  const faults = found.streams.flatMap(({ name, faults, afterClose }) => [
    ...faultsOf(name, faults),
    ...faultsOf(name, afterClose),
  ]);
  const { counts, isClosed, draw: { agencies } } = found;
  const ledger = { exitCode, ledger: streams.name, agencies, counts, isClosed, lines };
  return {
    lines: [`${titleOf(streams, listed.draw)}, read in ${seconds} s`, ...lines],
    exitCode,
    report: ledgerReport(ledger, faults),
  };
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
  if (listed === undefined) return noDraw(streams);
  const { draw } = listed;
  const rows = rowsOfAgency(new DrawExaminer(streams, draw), compared.agency);
  const comparison = await compareBets({ ...compared, rows });
  const lines = [titleOf(streams, draw), ...comparisonLines(comparison, compared)];
  const report = comparisonReport(comparison, compared);
  return { lines, exitCode: report.exitCode, report };
}

function noDraw({ name }: StreamLedger): CheckResult {
  const lines = ["There is no draw yet: the first server begins one", "SOUND"];
  const nothing = { agencies: 0, counts: new Float64Array(), isClosed: new Uint8Array() };
  return {
    lines,
    exitCode: 0,
    report: ledgerReport({ exitCode: 0, ledger: name, ...nothing, lines }, []),
  };
}

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
