/**
 * Turns a comparison of stored bets with an agency's file into text and an exit code.
 *
 * @module
 */

import { quoteBytes } from "../../server/ledger/bet_row.ts";
import { BET_FIELDS } from "../../shared/mod.ts";
import { quoteText } from "../../shared/readable.ts";
import { parseRow } from "../../shared/rows.ts";
import type { ComparisonReport } from "../json_reports.ts";
import type { Comparison, Difference } from "./comparison.ts";

const SAME = 0;
/** The stored bets are not the first ones of the file. */
const DIFFERENT = 6;

/** The fields of a row of bets.csv. */
const ROW_FIELDS = ["agency", ...BET_FIELDS];

/** What was compared. */
export interface Compared {
  agency: number;
  /** The path of the agency's file. */
  data: string;
}

/** Returns the exit code of a comparison. */
export function comparisonExitCode({ difference }: Comparison): number {
  return difference === undefined ? SAME : DIFFERENT;
}

/** Returns the lines about a comparison. */
export function comparisonLines(
  { stored, inFile, difference }: Comparison,
  { agency, data }: Compared,
): string[] {
  return [
    `agency ${agency}: ${stored} bets are stored; ${data} has ${inFile}`,
    ...difference === undefined
      ? [sameLine(stored, inFile)]
      : [...differenceLines(difference, data), ADVICE],
  ];
}

/** Returns the report for a program. */
export function comparisonReport(comparison: Comparison, compared: Compared): ComparisonReport {
  const { stored, inFile } = comparison;
  const { agency, data: file } = compared;
  const exitCode = comparisonExitCode(comparison);
  const lines = comparisonLines(comparison, compared);
  return { type: "comparison", exitCode, agency, file, stored, inFile, lines };
}

const ADVICE =
  "Servers never change or remove a stored bet. If the agency is still open, send by hand what is " +
  "missing (the client's command bet); to start over, stop everything and archive the draw " +
  "(./denow task reset)";

function sameLine(stored: number, inFile: number): string {
  if (stored === inFile) return "SAME: every bet of the file is stored, in its order, and no other";
  return `SAME: the stored bets are the first ${stored} of the file; ${
    inFile - stored
  } are not stored yet`;
}

function differenceLines(difference: Difference, data: string): string[] {
  const { line, stored, expected, kind } = difference;
  const place = stored.place();
  const shown = quoteBytes(stored.row);
  if (expected === undefined) {
    return [
      `DIFFERENT: ${data} has no line ${line}, but a bet is stored in its place (${place}): ${shown}`,
    ];
  }
  const head = `DIFFERENT: line ${line} of ${data} is not what is stored in its place (${place})`;
  switch (kind) {
    case "missing":
      return [
        `${head}: line ${line + 1} is, and line ${line} is not stored: ${quoteBytes(expected)}`,
      ];
    case "added":
      return [`${head}: a bet that the file does not have there comes first: ${shown}`];
    case "other":
      return [`${head}:`, ...fieldLines(stored.row, expected)];
  }
}

/** Returns a line for each field that differs. */
function fieldLines(stored: Uint8Array, expected: Uint8Array): string[] {
  const [found, wanted] = [parseRow(stored), parseRow(expected)];
  const lines = ROW_FIELDS.flatMap((field, index) => {
    if (found[index] === wanted[index]) return [];
    const value = found[index] === undefined ? "nothing" : quoteText(found[index]);
    return [`  ${field}: ${quoteText(wanted[index])} in the file, ${value} stored`];
  });
  if (lines.length > 0 && found.length === wanted.length) return lines;
  return [`  in the file: ${quoteBytes(expected)}`, `  stored: ${quoteBytes(stored)}`];
}
