/**
 * What tasks print with `--json`: one object a line. docs/json.md describes them.
 *
 * @module
 */

import type { LotteryView } from "../shared/status/lottery_view.ts";

/** The version of these objects. It increases when a reader of an earlier version could misread one. */
export const JSON_VERSION = 1;

/** The flag of every task that can print JSON. */
export const JSON_FLAG = { json: { type: "boolean", default: false } } as const;

/** `status`, and `up` while it runs: the lottery at a moment. */
export type StatusReport = { type: "status" } & LotteryView;

/** `up`: something that an operator should know. */
export interface MessageReport {
  type: "message";
  text: string;
}

/** `up`: what became of the run. */
export interface ResultReport {
  type: "result";
  /** That of the process. */
  exitCode: number;
  elapsedSeconds: number;
  /** Stored bets of all agencies. */
  bets: number;
  agencies: AgencyResult[];
  /** Everything that went wrong for an agency. */
  faults: string[];
  /** What happened to servers and nodes, which may die without harm to a run. */
  incidents: string[];
  /** Where the bets are. */
  place: string;
  /** The file with all lines of the run. */
  log: string;
}

/** An agency after a run. */
export interface AgencyResult {
  agency: number;
  /** Bets that its client says it has sent; `null` if it says nothing. */
  sent: number | null;
  stored: number;
  /** `null` if the agency has not closed. */
  winners: number | null;
  /** The documents of the winners. */
  documents: string[];
}

/** `check`: the state of a ledger. */
export interface CheckReport {
  type: "check";
  exitCode: number;
  /** The folder of the files, or the name of the lottery. */
  ledger: string;
  bets: number;
  agencies: { agency: number; bets: number; closed: boolean }[];
  faults: CheckFault[];
  /** The report that a person gets, line by line. */
  lines: string[];
}

/** The faults of one kind in one file or stream. */
export interface CheckFault {
  /** A file's or stream's name. */
  place: string;
  kind: string;
  count: number;
  /** The first of them: numbers of lines, or of messages. */
  first: { number: number; text: string }[];
}

/** `check --data`: whether the stored bets of an agency are those of its file. */
export interface ComparisonReport {
  type: "comparison";
  exitCode: number;
  agency: number;
  file: string;
  stored: number;
  inFile: number;
  lines: string[];
}

/** `doctor`: every check of the machine. */
export interface DoctorReport {
  type: "doctor";
  exitCode: number;
  checks: { name: string; level: "ok" | "warning" | "fault" | "note"; text: string }[];
}

/** Any of them. */
export type JsonReport =
  | StatusReport
  | MessageReport
  | ResultReport
  | CheckReport
  | ComparisonReport
  | DoctorReport;

/** Returns a report as a line of JSON. */
export function jsonLine({ type, ...fields }: JsonReport): string {
  return JSON.stringify({ type, version: JSON_VERSION, ...fields });
}

/** Prints a report as a line of JSON. */
export function printJson(report: JsonReport): void {
  console.log(jsonLine(report));
}
