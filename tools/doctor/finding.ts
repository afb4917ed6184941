/**
 * The result of a check.
 *
 * @module
 */

import { escapeMessage } from "../../shared/readable.ts";
import type { DoctorReport } from "../json_reports.ts";

/** A result, one line of the report. */
export interface Finding {
  /**
   * `ok`; `warning`: the lottery runs, but worse than it could; `fault`: it does not run, or is
   * unreliable; `note`: information.
   */
  level: "ok" | "warning" | "fault" | "note";
  /** The finding, and what to do about it. */
  text: string;
}

/** A check of this machine. */
export type Check = () => Promise<Finding> | Finding;

/** Formats a finding as a line. */
export function formatFinding(name: string, { level, text }: Finding): string {
  const line = escapeMessage(text.replaceAll(/\s*\n\s*/g, " "));
  return `${level.padEnd(7)}  ${name.padEnd(10)}  ${line}`;
}

/** Runs a check. If it throws, that is a fault. */
export async function runCheck(check: Check): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    return { level: "fault", text: `could not be checked: ${(error as Error).message}` };
  }
}

/** Returns the report for a program. One fault is enough to fail. */
export function doctorReport(checks: DoctorReport["checks"]): DoctorReport {
  const exitCode = checks.some(({ level }) => level === "fault") ? 1 : 0;
  return { type: "doctor", exitCode, checks };
}
