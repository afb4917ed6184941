/**
 * What a server records for auditors: who was admitted, what was stored over each connection, who closed, and the
 * draw. docs/record.md explains each line.
 *
 * A close that cannot be recorded is refused. Everything else goes on without its line: the next line that can be
 * written says how many are missing. No bet, name or document is ever recorded.
 *
 * @module
 */

import type { ActionLog } from "../../shared/logging.ts";
import type { AuditReport } from "../../shared/status/report.ts";
import type { CloseResult } from "../ledger/ledger.ts";
import type { AuditChain } from "./audit_chain.ts";
import type { Audited, AuditFields } from "./audit_files.ts";
import { LineBudget } from "./line_budget.ts";

/** Longest reason in a line, in characters: some quote what a peer has sent. */
const REASON_CHARS_MAX = 300;

/** Options of {@linkcode AuditLog}. */
export interface AuditLogOptions {
  log: ActionLog;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: () => number;
}

/** A peer, and the agency for which it speaks, once that is known. */
export interface AuditedPeer {
  /** Address and port. */
  address: string;
  agency?: number;
}

/** What was stored and refused for one agency over one connection. */
export interface AuditedService extends AuditedPeer {
  agency: number;
  /** Batches that were stored, and their bets. */
  batches: number;
  bets: number;
  /** Batches that were refused. */
  refused: number;
}

/** Why lines are missing. */
type Omission = "disk" | "rate";

/** The audit log of one server. Dispose of it when the server has stopped. */
export class AuditLog implements Disposable {
  readonly #chain: AuditChain;
  readonly #log: ActionLog;
  readonly #budget: LineBudget;
  /** Lines that are missing since the last one that was written. */
  readonly #omitted: Record<Omission, number> = { disk: 0, rate: 0 };
  #omittedTotal = 0;
  /** Agencies whose close this server has recorded: closing them again changes nothing. */
  readonly #closed = new Set<number>();
  /** Whether the server has stopped: nothing is recorded after that. */
  #isOver = false;
  /** Why the last line could not be written. */
  #failure: Error | undefined;

  constructor(chain: AuditChain, { log, now = () => performance.now() }: AuditLogOptions) {
    this.#chain = chain;
    this.#log = log;
    this.#budget = new LineBudget(now);
  }

  /** What the status of the server shows. */
  report(): AuditReport {
    return {
      lines: this.#chain.head.line,
      omitted: this.#omittedTotal,
      failure: this.#failure?.message ?? null,
    };
  }

  /** The server starts. */
  started(software: string): void {
    const { cut } = this.#chain;
    if (cut !== undefined) {
      this.#log.warning("audit", "success", { cut: cut.bytes, copy: cut.copy });
    }
    this.#record("started", { software, cutBytes: cut?.bytes, cutCopy: cut?.copy });
  }

  /** A peer has proved that it speaks for its agency. */
  admitted({ address, agency }: AuditedPeer): void {
    this.#record("admitted", { address, agency });
  }

  /** A connection was refused. Strangers can cause any number: there is a limit on these lines. */
  refused({ address, agency, reason }: AuditedPeer & { reason: string }): void {
    this.#recordWithin("refused", { address, agency, reason: reason.slice(0, REASON_CHARS_MAX) });
  }

  /** A connection has ended over which batches were stored or refused. */
  served({ address, agency, batches, bets, refused }: AuditedService): void {
    const fields = { address, agency, batches, bets, refused };
    if (batches > 0) this.#record("served", fields);
    else this.#recordWithin("served", fields);
  }

  /**
   * Closes an agency, with a durable line before and one after. If power is cut in between, the chain alone does not
   * show whether the agency has closed; the ledger does.
   *
   * @param close Closes it in the ledger.
   */
  async close(
    { address, agency }: Required<AuditedPeer>,
    close: () => Promise<CloseResult>,
  ): Promise<CloseResult> {
    if (this.#closed.has(agency)) return await close();
    try {
      this.#append("closing", { address, agency });
      await this.#chain.sync();
    } catch (error) {
      this.#fail(error as Error);
      const reason = `its close cannot be recorded in the audit log: ${(error as Error).message}`;
      return { status: "unknown", reason };
    }
    const result = await close();
    if (result.status === "closed") {
      this.#closed.add(agency);
      this.#record("closed", { address, agency, repeated: result.repeated || undefined });
    } else {
      const reason = result.reason.slice(0, REASON_CHARS_MAX);
      this.#record("unclosed", { address, agency, reason });
    }
    // The agency does not wait for it.
    void this.#sync();
    return result;
  }

  /** The draw is known to this server. Resolves when that is durable, or has failed. */
  async drawn(
    { lottery, winningNumber }: { lottery: string; winningNumber: number },
  ): Promise<void> {
    this.#record("drawn", { lottery, winningNumber });
    await this.#sync();
  }

  /** Records that the server has stopped, and closes the files. */
  [Symbol.dispose](): void {
    this.#record("stopped", {});
    this.#isOver = true;
    this.#chain[Symbol.dispose]();
  }

  #recordWithin(what: Audited, fields: AuditFields): void {
    if (this.#budget.take()) this.#record(what, fields);
    else this.#omit("rate");
  }

  /** Records a line, or counts it as missing. */
  #record(what: Audited, fields: AuditFields): void {
    try {
      this.#append(what, fields);
    } catch (error) {
      this.#omit("disk");
      this.#fail(error as Error);
    }
  }

  #append(what: Audited, fields: AuditFields): void {
    for (const reason of ["disk", "rate"] as const) {
      const lines = this.#omitted[reason];
      if (lines === 0) continue;
      this.#chain.append("omitted", { lines, reason });
      this.#omitted[reason] = 0;
    }
    this.#chain.append(what, fields);
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#log.info("audit", "success", { reason: "lines are written again" });
  }

  async #sync(): Promise<void> {
    try {
      await this.#chain.sync();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #omit(reason: Omission): void {
    this.#omitted[reason]++;
    this.#omittedTotal++;
  }

  /** Logs a failure once, until lines are written again. */
  #fail(error: Error): void {
    if (this.#failure === undefined && !this.#isOver) {
      const reason = "bets are stored without their lines, and no agency can close here";
      this.#log.error("audit", "fail", { error: error.message, reason });
    }
    this.#failure = error;
  }
}
