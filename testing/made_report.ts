/**
 * Reports of servers that tests make up.
 *
 * @module
 */

import type { ConnectionsReport, ServerReport, StatusReport } from "../shared/status/report.ts";

/** The connections of a server that has none. */
export const NO_CONNECTIONS: ConnectionsReport = {
  served: 0,
  placesMax: 512,
  arriving: 0,
  waiting: 0,
  lingering: 0,
  refused: { tls: 0, keys: 0, agency: 0, place: 0 },
  delayedBatches: 0,
  delayedSeconds: 0,
};

/** Syncs of 2 ms, if nothing else is said. */
const SYNC_SECONDS = 0.002;

/** What differs between the reports of tests. */
export interface MadeReport {
  /** It is ready unless there is a `reason`. */
  server: Pick<ServerReport, "port" | "reason" | "startedAt" | "uptimeSeconds">;
  connections?: Partial<ConnectionsReport>;
  lottery: { id: string; createdAt: string; winningNumber: number };
  agencies: { agency: number; bets: number; closed: boolean }[];
  betsStored?: number;
  syncSeconds?: number;
}

/** Returns the report of a server that serves a lottery. */
export function madeReport(made: MadeReport): StatusReport {
  const { server, connections, lottery, agencies, betsStored = 1, syncSeconds = SYNC_SECONDS } =
    made;
  const closed = agencies.filter((agency) => agency.closed).length;
  const phase = closed === 0 ? "betting" : closed < agencies.length ? "waiting" : "drawn";
  const quantiles = { count: 100, p50: syncSeconds / 2, p95: syncSeconds, p99: syncSeconds * 2 };
  return {
    version: 1,
    server: {
      host: "host",
      pid: 1,
      version: "1.0.0",
      state: "serving",
      ready: server.reason === null,
      ...server,
    },
    connections: { ...NO_CONNECTIONS, ...connections },
    lottery: {
      ...lottery,
      phase,
      winningNumber: phase === "drawn" ? lottery.winningNumber : null,
      bets: agencies.reduce((sum, { bets }) => sum + bets, 0),
      closed,
      agencies,
    },
    ledger: {
      rounds: 1,
      batches: 1,
      bets: betsStored,
      unknown: 0,
      refused: { closed: 0, count: 0, disk: 0, invalid: 0, other: 0 },
      commitSeconds: quantiles,
      syncSeconds: quantiles,
      lockWaitSeconds: quantiles,
      roundBatches: quantiles,
    },
    audit: null,
  };
}
