/**
 * What the threads of loads have in common: they take orders as messages, and senders store one batch after the
 * other.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { quantilesOf } from "./spread.ts";

/** What was stored, and how long that took. */
export interface LoadResult {
  bets: number;
  /** From the first packet to the last answer. */
  seconds: number;
  /** Latency from a packet's first byte to its answer. */
  p50Ms: number;
  p99Ms: number;
}

/** The answer to an order. */
export type OrderAnswer<Result> = { result: Result } | { error: string };

/** Stores the next bets of a sender, and returns how many. The argument counts the calls from 0. */
export type StoreNext = (call: number) => Promise<number>;

/** Carries out the orders that this thread receives, one at a time. */
export function takeOrders<Order, Result>(run: (order: Order) => Promise<Result>): void {
  self.onmessage = async ({ data }: MessageEvent<Order>) => {
    const answer: OrderAnswer<Result> = await run(data).then(
      (result) => ({ result }),
      (error: Error) => ({ error: error.message }),
    );
    self.postMessage(answer);
  };
}

/** Lets all senders store for `seconds`, each of them one batch after the other. */
export async function storeFor(
  seconds: number,
  senders: readonly StoreNext[],
): Promise<LoadResult> {
  const timesMs: number[] = [];
  let bets = 0;
  const beginMs = performance.now();
  const untilMs = beginMs + 1000 * seconds;
  await Promise.all(senders.map(async (storeNext) => {
    let sinceMs = performance.now();
    for (let call = 0; sinceMs < untilMs; call++) {
      // Not `bets += await`, which adds to what `bets` was before the wait: other senders would not be counted.
      const stored = await storeNext(call);
      bets += stored;
      const nowMs = performance.now();
      timesMs.push(nowMs - sinceMs);
      sinceMs = nowMs;
    }
  }));
  return { bets, seconds: (performance.now() - beginMs) / 1000, ...quantilesOf(timesMs) };
}
