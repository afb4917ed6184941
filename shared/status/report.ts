/**
 * What a server says about itself and its lottery at `/status`: the JSON that docs/status.md describes.
 *
 * @module
 */

/** The version of the schema. It increases when a reader of an earlier version could misread a report. */
export const STATUS_VERSION = 1;

/** What a server is doing. */
export const SERVER_STATES = ["starting", "serving", "stopping"] as const;
export type ServerState = typeof SERVER_STATES[number];

/**
 * How far a lottery has come.
 *
 * - `betting`: no agency has closed.
 * - `waiting`: the draw waits for those that have not closed; they may still send bets.
 * - `drawn`: all agencies have closed.
 */
export const PHASES = ["betting", "waiting", "drawn"] as const;
export type Phase = typeof PHASES[number];

/** The report of one server. */
export interface StatusReport {
  version: typeof STATUS_VERSION;
  server: ServerReport;
  /** Nothing until the server accepts connections. */
  connections: ConnectionsReport | null;
  /** Nothing until the ledger is open. */
  lottery: LotteryReport | null;
  /** Nothing until the ledger is open. */
  ledger: LedgerReport | null;
  /** Nothing without AUDIT_LOG, and until the server accepts connections. */
  audit: AuditReport | null;
}

/** The audit log of a server. */
export interface AuditReport {
  /** The number of its last line. */
  lines: number;
  /** Lines that are missing since the server started. */
  omitted: number;
  /** Why the last line could not be written; `null` if it was. */
  failure: string | null;
}

/** The server itself. */
export interface ServerReport {
  /** The name of its host or container. */
  host: string;
  /** Its process on that host. */
  pid: number;
  /** The version of the program. */
  version: string;
  /** The port on which agencies reach it; `null` until it listens. */
  port: number | null;
  state: ServerState;
  /** Whether it could store bets now; the same as `/readyz`. */
  ready: boolean;
  /** Why it is not ready; `null` if it is. */
  reason: string | null;
  /** RFC 3339. */
  startedAt: string;
  uptimeSeconds: number;
}

/** The connections of a server. */
export interface ConnectionsReport {
  /** Those that have a place. */
  served: number;
  /** SERVER_MAX_CONNECTIONS. */
  placesMax: number;
  /** Those that wait for a place. */
  arriving: number;
  /** Those that wait for the draw. They need no place. */
  waiting: number;
  /** Those that are over, but for the last answer. */
  lingering: number;
  /** Those that were refused since the server started, by reason. */
  refused: RefusedConnectionsReport;
  /** Batches that had to wait because their agency sends too many bets (SERVER_MAX_BETS_PER_SECOND). */
  delayedBatches: number;
  /** How long they have waited together. */
  delayedSeconds: number;
}

/** Connections that were refused, by reason. */
export interface RefusedConnectionsReport {
  /** Only one side speaks TLS, or the handshake failed. */
  tls: number;
  /** The peer did not prove that it is an agency with a key. */
  keys: number;
  /** SERVER_MAX_CONNECTIONS_PER_AGENCY. */
  agency: number;
  /** There were too many that need a place. */
  place: number;
}

/** The lottery, as this server has last seen it. */
export interface LotteryReport {
  /** A UUID. */
  id: string;
  /** When its first server started, in RFC 3339. */
  createdAt: string;
  phase: Phase;
  /** `null` before the draw. */
  winningNumber: number | null;
  /** The sum over all agencies. */
  bets: number;
  /** How many agencies have closed. */
  closed: number;
  /** Every agency, in the order of their numbers. */
  agencies: AgencyReport[];
}

/** An agency, as this server has last seen it. */
export interface AgencyReport {
  agency: number;
  /** Its stored bets, whichever server has stored them. */
  bets: number;
  closed: boolean;
}

/** What a server's ledger has done since the server started. */
export interface LedgerReport {
  /** Rounds: batches that became durable together. */
  rounds: number;
  /** Batches stored by this server. */
  batches: number;
  /** Bets stored by this server. */
  bets: number;
  /** Batches whose outcome this server could not know. */
  unknown: number;
  /** Refused batches, by reason. */
  refused: RefusedReport;
  /** From the arrival of a batch to its answer. */
  commitSeconds: QuantilesReport;
  /** Making a round durable. */
  syncSeconds: QuantilesReport;
  /** Waiting for the lock that servers share. */
  lockWaitSeconds: QuantilesReport;
  /** Batches of a round. */
  roundBatches: QuantilesReport;
}

/** Refused batches, by reason. */
export interface RefusedReport {
  /** The agency has closed. */
  closed: number;
  /** The agency has other bets than its sender believes. */
  count: number;
  /** The bets cannot be written. */
  disk: number;
  /** The packet is invalid. */
  invalid: number;
  /** Anything else. */
  other: number;
}

/** Quantiles of the last minute, estimated from a histogram; `null` if there was nothing in it. */
export interface QuantilesReport {
  /** How many values since the server started. */
  count: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}
