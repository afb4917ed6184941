/**
 * What a session needs of its server and its connection.
 *
 * @module
 */

import type { BetDecoder } from "../shared/mod.ts";
import type { ActionLog } from "../shared/logging.ts";
import type { AgencyConnections } from "./agency_connections.ts";
import type { BetRates } from "./bet_rates.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import type { DrawWatch } from "./draw_watch.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Session } from "./session.ts";

/** What all sessions of a server share. */
export interface SessionContext {
  ledger: Ledger;
  draw: DrawWatch;
  log: ActionLog;
  /** Records what auditors ask about. @default {nothing is recorded} */
  audit?: AuditLog;
  /** AGENCIES_AMOUNT. */
  agencies: number;
  packetBytesMax: number;
  /** Delays bets of agencies that send too many. @default {they are never delayed} */
  rates?: BetRates;
  /** Limits the connections of each agency. @default {there is no limit} */
  agencyConnections?: AgencyConnections;
  /** Agencies whose bets one connection counts. */
  agenciesPerConnectionMax: number;
  decoder: BetDecoder;
  /**
   * Reports that a session starts waiting for the draw on behalf of an agency, or stops. Meanwhile it needs no
   * place.
   */
  onWaiting: (session: Session, agency: number | undefined) => void;
  /** Reports that a session answers nothing more, and only waits for its peer to take the last answer. */
  onLinger: (session: Session) => void;
  /** Reports that an invalid packet was refused. */
  onInvalid: () => void;
  /** A monotonic clock, in milliseconds: a stepped wall clock must not end, or keep, any connection. */
  now: () => number;
  /** The current day by the wall clock, as dayNumber() gives it: no birthdate is later. */
  today: () => number;
}
