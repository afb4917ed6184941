/**
 * Views of made-up lotteries, for the tests of the board.
 *
 * @module
 */

import { type LotteryView, type ServerView, VIEW_VERSION } from "../shared/status/lottery_view.ts";
import type { Phase } from "../shared/status/report.ts";

/** What a test says of a server: the rest is that of one that works. */
export type ServerPart = Partial<ServerView> & { name: string };

/** What a test says of a lottery. */
export interface ViewParts {
  /** Milliseconds since 1970. */
  atMs?: number;
  id?: string;
  /** The bets of each agency; a negative number stands for a closed agency. @default {no lottery} */
  bets?: number[];
  servers?: ServerPart[];
}

/** Returns a view. */
export function viewOf({ atMs = 0, id = "a", bets, servers = [] }: ViewParts): LotteryView {
  const agencies = (bets ?? []).map((bets, index) => ({ agency: index + 1, bets }));
  const waitingFor = agencies.filter(({ bets }) => bets >= 0).map(({ agency }) => agency);
  const phase: Phase = waitingFor.length === agencies.length
    ? "betting"
    : waitingFor.length > 0
    ? "waiting"
    : "drawn";
  const winningNumber = phase === "drawn" ? 7574 : null;
  return {
    version: VIEW_VERSION,
    at: new Date(atMs).toISOString(),
    source: "servers",
    lottery: bets === undefined
      ? null
      : { id, createdAt: new Date(0).toISOString(), phase, winningNumber },
    bets: agencies.reduce((sum, { bets }) => sum + Math.abs(bets), 0),
    betsExpected: null,
    betsPerSecond: 100,
    waitingFor,
    agencies: agencies.map(({ agency, bets }) => ({
      agency,
      bets: Math.abs(bets),
      betsExpected: null,
      betsPerSecond: 10,
      state: phase === "drawn" ? "drawn" : bets < 0 ? "closed" : "betting",
    })),
    servers: servers.map((server) => ({
      state: "serving",
      since: new Date(0).toISOString(),
      ready: true,
      reason: null,
      connections: 1,
      waiting: 0,
      betsStored: 1,
      syncSeconds: 0.001,
      uptimeSeconds: 1,
      softwareVersion: "1.0.0",
      host: server.name,
      pid: 1,
      ...server,
    })),
  };
}

/** A server that does not answer since a moment. */
export function silent(name: string, sinceMs: number): ServerPart {
  return { name, state: "silent", since: new Date(sinceMs).toISOString(), ready: false };
}

/** Returns the content of a file, in pieces. */
export function contentOf(text: string): ReadableStream<Uint8Array> {
  return ReadableStream.from([new TextEncoder().encode(text)]);
}
