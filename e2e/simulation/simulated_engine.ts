/**
 * What a simulation needs of a ledger engine: how servers open their ledger, what can go wrong with it,
 * and what is stored.
 *
 * @module
 */

import type { Ledger } from "../../server/ledger/ledger.ts";
import type { ActionLog } from "../../shared/logging.ts";
import type { Random } from "../../testing/random.ts";
import type { Incidents } from "./incidents.ts";
import type { Protection } from "./protections.ts";

/** What a server tells its ledger. */
export interface SimulatedLedgerOptions {
  /** AGENCIES_AMOUNT. */
  agencies: number;
  log: ActionLog;
}

/** What an engine is made with. */
export interface EngineOptions {
  random: Random;
  incidents: Incidents;
  /** The protection that it lacks, as a control. @default {none} */
  without?: Protection;
}

/** The process of a server, as far as its ledger is concerned. */
export interface ServerProcess {
  readonly isKilled: boolean;
  /** Kills it as `kill -9` does: from now on it reads and changes nothing. */
  kill(): void;
  /** Opens the ledger in this process. */
  open(options: SimulatedLedgerOptions): Promise<Ledger>;
}

/** An engine with everything that it stores to. */
export interface SimulatedEngine {
  /** How long agencies wait for an answer, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** Starts the process of one more server. */
  process(): ServerProcess;
  /** Lets something go wrong, or nothing. It is called in each turn of the clock. */
  causeIncidents(): void;
  /** The stored bets, as in bets.csv, in the order in which they were stored. */
  bets(): Uint8Array;
  /** The closed agencies, as in agencies_closed.txt. */
  closed(): string;
}
