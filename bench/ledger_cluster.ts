/**
 * Nodes of JetStream that benchmarks measure on, with sync always.
 *
 * @module
 */

import { NatsCluster } from "../testing/nats_cluster.ts";
import type { NatsSettings } from "../server/ledger/ledger_settings.ts";

/** The number of streams of a draw. */
export const PARTITIONS = 4;
const NODES = 3;

/** Starts three nodes whose streams are below `folder`. */
export function startCluster(folder: string, executable: string): Promise<NatsCluster> {
  const folders = Array.from({ length: NODES }, (_, index) => `${folder}/node${index + 1}`);
  return NatsCluster.start({ executable, folders });
}

/** The settings by which a program connects to them. */
export function settingsFor(cluster: NatsCluster): NatsSettings {
  return {
    nodes: cluster.addresses,
    isTls: false,
    name: "lottery",
    partitions: PARTITIONS,
    replicas: NODES,
    user: "",
    password: "",
    nkeyFile: "",
    credentialsFile: "",
    tls: { caFile: "", certFile: "", keyFile: "", isFirst: false },
  };
}
