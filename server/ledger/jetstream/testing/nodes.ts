/**
 * Helpers for tests of the ledger on real nodes.
 *
 * @module
 */

import { NatsConnection } from "../../../../testing/nats_connection.ts";
import type { NatsCluster } from "../../../../testing/nats_cluster.ts";
import { keepLog, type KeptLog } from "../../../testing/ledgers.ts";
import { openJetStreamLedger } from "../engine.ts";
import type { NatsSettings } from "../../ledger_settings.ts";
import type { ReplicatedLedger } from "../replicated_ledger.ts";

/** What a test needs that starts nodes. The client of NATS looks for the machine's certificates. */
export const NATS = ["posix", "run", "net", "read", "write", "env", "sys", "natsServer"] as const;

/** The agencies of the lotteries under test. */
export const AGENCIES = 3;
/** The winning number of the lotteries under test. */
export const WINNING_NUMBER = 7574;

/** Settings that a test changes. */
export interface OpenOptions extends Partial<NatsSettings> {
  agencies?: number;
  winningNumber?: number;
  log?: KeptLog["log"];
}

/** Returns the settings of a server for a cluster. */
export function settingsFor(cluster: NatsCluster, changed: Partial<NatsSettings>): NatsSettings {
  return {
    nodes: cluster.nodes.map(({ address: { hostname, port } }) => `${hostname}:${port}`),
    isTls: false,
    name: "lottery",
    partitions: 2,
    replicas: cluster.nodes.length,
    user: "",
    password: "",
    nkeyFile: "",
    credentialsFile: "",
    tls: { caFile: "", certFile: "", keyFile: "", isFirst: false },
    ...changed,
  };
}

/** Opens the ledger as one more server of a cluster. */
export function openOn(cluster: NatsCluster, options: OpenOptions = {}): Promise<ReplicatedLedger> {
  const { agencies = AGENCIES, winningNumber = WINNING_NUMBER, log, ...changed } = options;
  return openJetStreamLedger({
    settings: settingsFor(cluster, changed),
    draw: { agencies, winningNumber },
    log: log ?? keepLog().log,
  });
}

/** Asks JetStream's API by hand. `request` is the end of its subject, as in `STREAM.INFO.NAME`. */
export async function askApi(
  cluster: NatsCluster,
  request: string,
  payload?: unknown,
  // deno-lint-ignore no-explicit-any
): Promise<any> {
  const node = cluster.nodes.find(({ isRunning }) => isRunning)!;
  using connection = await NatsConnection.open(node.address);
  const answer = await connection.requestJson(`$JS.API.${request}`, payload);
  if (answer.error !== undefined) throw new Error(answer.error.description);
  return answer;
}
