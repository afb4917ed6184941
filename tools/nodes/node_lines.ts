/**
 * What nats-server prints, and how it ends, as far as that matters to a person who runs a lottery.
 *
 * @module
 */

import type { LineMeaning } from "../run/service_supervisor.ts";

/** Returns what a line of nats-server says about it. */
export function readNodeLine(line: string): LineMeaning {
  if (/\[INF\] Server is ready$/.test(line)) return { isListening: true };
  const error = /\[FTL\] (.*)/.exec(line)?.[1] ?? /^nats-server: (.*)/.exec(line)?.[1];
  return { error };
}

/** What nats-server warns of that a person should see at once. */
const SERIOUS = /quorum|stalled|disabled|resource|corrupt|no space|read-only|i\/o error/i;

/**
 * Whether a line is a detail of nats-server for the log alone: all but what ends it, and warnings and errors
 * that are serious. Nodes that look for each other complain of much that is not.
 */
export function isNodeDetail(line: string): boolean {
  const match = /^\[\d+\] \d{4}\/\d\d\/\d\d \S+ \[(\w+)\] (.*)$/.exec(line);
  if (match === null) return false;
  const [, level, text] = match;
  return level !== "FTL" && !(/^(ERR|WRN)$/.test(level) && SERIOUS.test(text));
}

/** Returns 0 for a node that ended because it was stopped: some versions end with 1 then. */
export function exitCodeOfStopped(exitCode: number): number {
  return exitCode === 1 ? 0 : exitCode;
}
