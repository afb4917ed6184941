/**
 * The lines that nats-server prints, as far as they matter to a person who runs a lottery.
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
