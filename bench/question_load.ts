/**
 * Questions to servers, in a thread of their own: so many ProgressRequests a second, each on a new connection.
 *
 * @module
 */

import { LineConnection } from "../testing/line_connection.ts";
import { LOOPBACK } from "../tools/run/loopback.ts";
import { takeOrders } from "./load_worker.ts";
import { quantilesOf } from "./spread.ts";

/** How often to ask, and whom. */
export interface QuestionOrder {
  /** Ports on loopback, which are asked in turn. */
  ports: readonly number[];
  /** The agency to ask about. */
  agency: number;
  perSecond: number;
  seconds: number;
}

/** What was answered. */
export interface QuestionResult {
  answered: number;
  /** Time from connecting to the answer. */
  p50Ms: number;
  p99Ms: number;
}

async function run(order: QuestionOrder): Promise<QuestionResult> {
  const { ports, agency, perSecond, seconds } = order;
  const beginMs = performance.now();
  const questions = Array.from({ length: Math.ceil(perSecond * seconds) }, async (_, at) => {
    await waitUntil(beginMs + 1000 * at / perSecond);
    return await timeQuestion(ports[at % ports.length], agency);
  });
  const timesMs = await Promise.all(questions);
  return { answered: timesMs.length, ...quantilesOf(timesMs) };
}

async function waitUntil(timeMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - performance.now())));
}

async function timeQuestion(port: number, agency: number): Promise<number> {
  const beginMs = performance.now();
  using connection = await LineConnection.open({ hostname: LOOPBACK, port });
  const answer = await connection.ask(`ProgressRequest:${agency}\n`);
  if (/^ProgressResponse:\d+$/.test(answer)) return performance.now() - beginMs;
  throw new Error(`Cannot measure: a server answered ${JSON.stringify(answer)}`);
}

takeOrders(run);
