/**
 * The three nodes that `up` runs: their names, ports and folders.
 *
 * @module
 */

import { PROJECT_ROOT, SHARED_VOLUME } from "../project.ts";
import { composeProjectName } from "../run/docker.ts";
import { LOOPBACK } from "../run/loopback.ts";
import { Monitoring } from "./monitoring.ts";
import { nodeConfig, type NodeOptions, type NodePorts } from "./node_config.ts";

/** The names of the nodes, and of their containers. */
export const NODE_NAMES = ["node1", "node2", "node3"] as const;

/** The folder of the nodes' data: one folder for each of them. */
export const NODES_FOLDER = `${SHARED_VOLUME}/jetstream`;
/** The same folder for messages. */
export const NODES_FOLDER_NAME = "server/shared-volume/jetstream";

/** The folder of their configuration files. */
const NODE_CONFIGS_FOLDER = `${PROJECT_ROOT}/.cache/nodes`;

/** The largest NODE_PORT: the ports of monitoring are 4000 higher. */
export const NODE_PORT_MAX = 65535 - 4000 - NODE_NAMES.length;

/**
 * Returns the ports of the nodes on this machine, in their order. With the default NODE_PORT, those of the
 * first one are the ports that NATS is known by.
 */
export function localPorts(nodePort: number): NodePorts[] {
  return NODE_NAMES.map((_, index) => ({
    client: nodePort + index,
    cluster: nodePort + 2000 + index,
    monitoring: nodePort + 4000 + index,
  }));
}

/** Returns LEDGER for programs that run on this machine, outside of containers. */
export function localLedger(nodePort: number): string {
  return `nats://${localPorts(nodePort).map(({ client }) => `${LOOPBACK}:${client}`).join(",")}`;
}

/** Returns the monitoring ports of the nodes on this machine, by the name of the node. */
export function localMonitoring(nodePort: number): Map<string, Monitoring> {
  const ports = localPorts(nodePort);
  return new Map(NODE_NAMES.map((name, index) => {
    return [name, new Monitoring(`${LOOPBACK}:${ports[index].monitoring}`)];
  }));
}

/** LEDGER for servers in containers. */
export const CONTAINER_LEDGER = `nats://${NODE_NAMES.join(",")}`;

/**
 * Returns the tag of this checkout's nodes: tasks must not take those of another one for them, which may have the
 * same ports.
 */
export function nodesTag(): string {
  return composeProjectName();
}

/** Writes the configuration file of a node of this checkout. Returns its path. */
export async function writeNodeConfig(options: Omit<NodeOptions, "tag">): Promise<string> {
  await Deno.mkdir(NODE_CONFIGS_FOLDER, { recursive: true });
  const path = nodeConfigFile(options.name);
  await Deno.writeTextFile(path, nodeConfig({ ...options, tag: nodesTag() }));
  // Containers run as another user.
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o644);
  return path;
}

/** Returns the path of a node's configuration file. */
function nodeConfigFile(name: string): string {
  return `${NODE_CONFIGS_FOLDER}/${name}.conf`;
}
