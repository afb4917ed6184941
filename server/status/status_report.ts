/**
 * Builds the report of a server from what it knows.
 *
 * @module
 */

import {
  type AuditReport,
  type ConnectionsReport,
  type LedgerReport,
  type LotteryReport,
  type Phase,
  type ServerState,
  STATUS_VERSION,
  type StatusReport,
} from "../../shared/status/report.ts";
import type { LedgerFigures } from "../ledger/figures.ts";
import type { AgencySeen, Ledger, LotteryIdentity, Readiness } from "../ledger/ledger.ts";
import { RecentQuantiles } from "./recent_quantiles.ts";

/** The identity of a server while its process runs. */
export interface ServerIdentity {
  host: string;
  pid: number;
  version: string;
}

/** A server that serves, as far as its status shows it. */
export interface ServedServer {
  readonly port: number;
  /** What its connections are doing. */
  connections(): ConnectionsReport;
  /** How many invalid packets it has refused. */
  readonly invalidPackets: number;
  /** The state of its audit log; nothing without one. */
  audit(): AuditReport | null;
}

/** A ledger, as far as the status of its server shows it. */
export type SeenLedger = Pick<Ledger, "identity" | "figures" | "seen" | "readiness">;

/** What a server does at the moment. */
export class ServerStatus {
  readonly #identity: ServerIdentity;
  readonly #now: () => number;
  readonly #startedAt: string;
  readonly #startedMs: number;
  #state: ServerState = "starting";
  #served: ServedParts | undefined;

  /** @param now A monotonic clock, in milliseconds. */
  constructor(identity: ServerIdentity, now: () => number) {
    this.#identity = identity;
    this.#now = now;
    this.#startedMs = now();
    this.#startedAt = new Date().toISOString();
  }

  /** The server accepts connections, and its ledger is open. */
  serving(server: ServedServer, ledger: SeenLedger): void {
    this.#served = new ServedParts(server, ledger, this.#now);
    this.#state = "serving";
  }

  /** The server stops. */
  stopping(): void {
    this.#state = "stopping";
  }

  /** Whether the server could store bets now. */
  readiness(): Readiness {
    if (this.#state === "stopping") return { isReady: false, reason: "the server stops" };
    return this.#served?.ledger.readiness() ??
      { isReady: false, reason: "the server is opening its ledger" };
  }

  /** What `/status` shows. */
  report(): StatusReport {
    const readiness = this.readiness();
    const served = this.#served;
    return {
      version: STATUS_VERSION,
      server: {
        ...this.#identity,
        port: served?.server.port ?? null,
        state: this.#state,
        ready: readiness.isReady,
        reason: readiness.isReady ? null : readiness.reason,
        startedAt: this.#startedAt,
        uptimeSeconds: Math.round(this.#now() - this.#startedMs) / 1000,
      },
      connections: served?.server.connections() ?? null,
      lottery: served === undefined ? null : lotteryReport(served.ledger),
      ledger: served?.ledgerReport() ?? null,
      audit: served?.server.audit() ?? null,
    };
  }

  /** The figures of its ledger, once it is open. */
  get figures(): LedgerFigures | undefined {
    return this.#served?.ledger.figures;
  }
}

/** What exists once the ledger is open. */
class ServedParts {
  readonly server: ServedServer;
  readonly ledger: SeenLedger;
  readonly #commits: RecentQuantiles;
  readonly #syncs: RecentQuantiles;
  readonly #lockWaits: RecentQuantiles;
  readonly #rounds: RecentQuantiles;

  constructor(server: ServedServer, ledger: SeenLedger, now: () => number) {
    this.server = server;
    this.ledger = ledger;
    const { commitSeconds, syncSeconds, lockWaitSeconds, roundBatches } = ledger.figures;
    this.#commits = new RecentQuantiles(commitSeconds, now);
    this.#syncs = new RecentQuantiles(syncSeconds, now);
    this.#lockWaits = new RecentQuantiles(lockWaitSeconds, now);
    this.#rounds = new RecentQuantiles(roundBatches, now, Math.ceil);
  }

  ledgerReport(): LedgerReport {
    const { rounds, batches, bets, unknown, refused } = this.ledger.figures;
    const { closed, count, disk, other } = refused;
    return {
      rounds,
      batches,
      bets,
      unknown,
      refused: { closed, count, disk, invalid: this.server.invalidPackets, other },
      commitSeconds: this.#commits.report(),
      syncSeconds: this.#syncs.report(),
      lockWaitSeconds: this.#lockWaits.report(),
      roundBatches: this.#rounds.report(),
    };
  }
}

function lotteryReport(ledger: SeenLedger): LotteryReport {
  const { id, createdAt, winningNumber }: LotteryIdentity = ledger.identity;
  const seen = ledger.seen();
  const phase = phaseOf(seen);
  return {
    id,
    createdAt,
    phase,
    // Nobody may learn it while bets are open.
    winningNumber: phase === "drawn" ? winningNumber : null,
    bets: seen.reduce((sum, { bets }) => sum + bets, 0),
    closed: seen.filter(({ isClosed }) => isClosed).length,
    agencies: seen.map(({ bets, isClosed }, index) => ({
      agency: index + 1,
      bets,
      closed: isClosed,
    })),
  };
}

function phaseOf(seen: readonly AgencySeen[]): Phase {
  const closed = seen.filter(({ isClosed }) => isClosed).length;
  if (closed === 0) return "betting";
  return closed < seen.length ? "waiting" : "drawn";
}
