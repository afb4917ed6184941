/**
 * Servers of one volume in memory, which hand their batches over.
 *
 * @module
 */

import { turnEnd } from "../ledger/courtesy.ts";
import { type FileLedger, openFileLedger } from "../ledger/file/file_ledger.ts";
import { BETS_FILE } from "../ledger/file/volume_files.ts";
import { AGENCIES, keepLog, LOG_BYTES, namedBatch, WINNING_NUMBER } from "./ledgers.ts";
import { MemoryDisk, type MemoryProcess } from "./memory_disk.ts";
import { MemoryHandover } from "./memory_handover.ts";

/** A server of the volume. */
export interface HandingServer {
  ledger: FileLedger;
  process: MemoryProcess;
  /** Lets its clock jump ahead, as after a pause. */
  skip: (timeMs: number) => void;
}

/** The volume. Disposing of it disposes of its servers. */
export class HandingVolume implements AsyncDisposable {
  readonly disk = new MemoryDisk();
  readonly handover = new MemoryHandover();
  readonly #servers: HandingServer[] = [];

  /** Opens one more server, which is the writer, or has found it, if there can be one. */
  async open(): Promise<HandingServer> {
    const process = this.disk.process();
    let skippedMs = 0;
    const ledger = await openFileLedger(process, {
      agencies: AGENCIES,
      winningNumber: WINNING_NUMBER,
      log: keepLog().log,
      logBytes: LOG_BYTES,
      handover: this.handover.network(process),
      now: () => Date.now() + skippedMs,
    });
    const server = { ledger, process, skip: (timeMs: number) => void (skippedMs += timeMs) };
    this.#servers.push(server);
    await turnEnd();
    return server;
  }

  /** Kills a server. */
  kill({ process, ledger }: HandingServer): void {
    process.kill();
    this.handover.breakKilled();
    // Its timers end.
    void ledger[Symbol.asyncDispose]().catch(() => {});
  }

  /** The names of the stored batches, in order. */
  stored(): string[] {
    const rows = this.disk.text(BETS_FILE).split("\n").slice(0, -1);
    return rows.map((row) => row.split(",")[3].replace(/-0$/, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { ledger, process } of this.#servers) {
      if (!process.isKilled) await ledger[Symbol.asyncDispose]();
    }
  }
}

/** Appends a batch of one bet of agency 1. */
export function append({ ledger }: HandingServer, name: string, expectedBets?: number) {
  return ledger.append(namedBatch(name, { count: 1 }), expectedBets);
}
