/**
 * Loads this engine, and the npm packages that it needs, only where it is chosen.
 *
 * @module
 */

import type { ActionLog } from "../../../shared/logging.ts";
import type { DrawSettings } from "./draw_record.ts";
import type { NatsSettings } from "../ledger_settings.ts";
import { ReplicatedLedger } from "./replicated_ledger.ts";
import type { DrawLog } from "./replicated_log.ts";

/** What this module uses of nats_log.ts. Its own types would need the packages. */
interface NatsLogModule {
  openNatsLog: (options: JetStreamLedgerOptions) => Promise<DrawLog>;
}

/** Options of {@linkcode openJetStreamLedger}. */
export interface JetStreamLedgerOptions {
  settings: NatsSettings;
  /** What every server of the draw must agree on. */
  draw: DrawSettings;
  log: ActionLog;
}

/**
 * Opens the ledger on the current draw of a cluster. While the cluster is away it waits.
 *
 * @throws {FatalLedgerError} If the cluster, its streams or its draw are not what this server needs.
 */
export async function openJetStreamLedger(
  options: JetStreamLedgerOptions,
): Promise<ReplicatedLedger> {
  const { openNatsLog } = await loadNatsLog();
  const log = await openNatsLog(options);
  return new ReplicatedLedger(log, log.draw);
}

async function loadNatsLog(): Promise<NatsLogModule> {
  // Deno fetches the packages behind a literal whenever a program starts, even if it never gets here.
  const module = "./nats_log.ts";
  try {
    return await import(module);
  } catch (cause) {
    throw new Error(
      `Cannot load the client of NATS: ${
        (cause as Error).message
      }. It comes from npm: start the server once ` +
        "where that can be reached, or copy Deno's cache, and give the server permission to read " +
        "server/ledger and shared",
      { cause },
    );
  }
}
