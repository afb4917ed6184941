/**
 * Where servers find the ledger: the value of LEDGER, and what they may use for it.
 *
 * @module
 */

import type { ServerSettings } from "../../server/settings.ts";
import { NATS_PORTS } from "../nodes/node_config.ts";
import { CONTAINER_LEDGER, localLedger, NODE_NAMES } from "../nodes/nodes.ts";
import { PROJECT_ROOT } from "../project.ts";
import type { LotterySettings } from "./lottery_settings.ts";
import { engineModules, type LedgerNodes } from "./permissions.ts";

/** How servers reach the ledger. */
export interface LedgerAccess {
  /** LEDGER of the servers. */
  variable: string;
  /** Nothing if the ledger is in the files of the volume. */
  nodes?: LedgerNodes;
}

type Choice = Pick<LotterySettings, "ledger" | "nodePort">;

/** Returns the files of keys and certificates that the settings of a server name. */
export function ledgerFiles({ ledger }: Pick<ServerSettings, "ledger">): string[] {
  if (ledger.engine === "files") return [];
  const { nkeyFile, credentialsFile, tls: { caFile, certFile, keyFile } } = ledger;
  return [nkeyFile, credentialsFile, caFile, certFile, keyFile].filter((path) => path !== "");
}

/** Returns how programs on this machine, outside of containers, reach the ledger. */
export function ledgerForProcesses({ ledger, nodePort }: Choice): LedgerAccess {
  switch (ledger.kind) {
    case "files":
      return { variable: "files" };
    case "nodes":
      return accessTo(localLedger(nodePort), engineModules(PROJECT_ROOT));
    case "cluster":
      return accessTo(ledger.url, engineModules(PROJECT_ROOT));
  }
}

/**
 * Returns how servers in containers reach the ledger.
 *
 * @param subnet That of the containers, in CIDR notation: names lead to its addresses.
 */
export function ledgerForContainers({ ledger }: Choice, subnet: string): LedgerAccess {
  const modules = engineModules("/app");
  switch (ledger.kind) {
    case "files":
      return { variable: "files" };
    case "nodes": {
      const names = NODE_NAMES.map((name) => `${name}:${NATS_PORTS.client}`);
      const addresses = [...names, `${subnet}:${NATS_PORTS.client}`];
      return { variable: CONTAINER_LEDGER, nodes: { addresses, files: [], modules } };
    }
    case "cluster":
      return accessTo(ledger.url, modules);
  }
}

function accessTo(url: string, modules: string[]): LedgerAccess {
  const hosts = url.replace(/^\w+:\/\//, "").split(",").map((host) => host.trim());
  const addresses = hosts.map((host) => /:\d+$/.test(host) ? host : `${host}:${NATS_PORTS.client}`);
  return { variable: url, nodes: { addresses, files: [], modules } };
}
