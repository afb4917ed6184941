/**
 * Checks a ledger on JetStream: which nodes to ask, and what to ask of them.
 *
 * @module
 */

import { parseAddress } from "../../shared/config.ts";
import { UsageError } from "../command.ts";
import { findNatsServer } from "../nodes/nats_server.ts";
import { NATS_PORTS } from "../nodes/node_config.ts";
import { localMonitoring, nodesTag } from "../nodes/nodes.ts";
import { isAnyRunning } from "../nodes/readiness.ts";
import { TASK } from "../project.ts";
import type { StreamToolLedger } from "../streams/tool_ledger.ts";
import { checkNodes, type NamedFinding } from "./nodes_check.ts";

/**
 * Asks all nodes of a ledger, and judges their answers. Of nodes that only `up` starts, and that do not run, it
 * only says whether they could.
 *
 * @param monitoring LEDGER_MONITORING. @default {the hosts of LEDGER, with the port that NATS is known by}
 */
export async function checkLedgerNodes(
  { choice, nodePort, server: { ledger } }: StreamToolLedger,
  monitoring: string | undefined,
): Promise<NamedFinding[]> {
  const local = localMonitoring(nodePort);
  if (choice.kind === "nodes" && !await isAnyRunning(local, nodesTag())) return [judgeIdleNodes()];
  const addresses = choice.kind === "nodes"
    ? Array.from(local.values(), ({ address }) => address)
    : monitoringAddresses(ledger.nodes, monitoring);
  const { name, replicas } = ledger;
  return await checkNodes(addresses, { streamPrefix: `${name.toUpperCase()}_`, replicas });
}

/** Judges whether `up` could start nodes as processes. */
function judgeIdleNodes(): NamedFinding {
  const text = `not running: ${TASK} up starts them`;
  try {
    const { path, version } = findNatsServer();
    return {
      name: "nodes",
      level: "note",
      text: `${text} (as processes: nats-server ${version}, ${path})`,
    };
  } catch (error) {
    return {
      name: "nodes",
      level: "note",
      text: `${text} in containers. ${(error as Error).message}`,
    };
  }
}

/**
 * Returns the monitoring ports of nodes, `host:port`.
 *
 * @throws {UsageError} If LEDGER_MONITORING is invalid.
 */
export function monitoringAddresses(
  nodes: readonly string[],
  monitoring: string | undefined,
): string[] {
  if (!monitoring?.trim()) {
    return nodes.map((node) => `${parseAddress(node)!.host}:${NATS_PORTS.monitoring}`);
  }
  return monitoring.split(",").map((text) => {
    const address = text.trim().includes(":")
      ? text.trim()
      : `${text.trim()}:${NATS_PORTS.monitoring}`;
    if (parseAddress(address) !== undefined) return address;
    throw new UsageError(
      `LEDGER_MONITORING is "${monitoring}": give the monitoring ports of all nodes, such as host1:8222,host2:8222`,
    );
  });
}
