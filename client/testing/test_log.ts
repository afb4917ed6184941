/**
 * A log for the client's tests.
 *
 * @module
 */

import { CLIENT_LEVELS, openLog } from "../../shared/logging.ts";

/** Returns a log, and the lines that it has logged, without their times. */
export function testLog(level: keyof typeof CLIENT_LEVELS = "debug") {
  const lines: string[] = [];
  const sink = (line: string) => void lines.push(line.slice("2026-11-23 10:00:00 ".length));
  return { lines, log: openLog({ levels: CLIENT_LEVELS, level, sink }) };
}
