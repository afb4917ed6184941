/**
 * Whether all replicas of a stream hold the same.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { NatsCluster } from "../../testing/nats_cluster.ts";
import { NatsConnection } from "../../testing/nats_connection.ts";
import { readStream, type StreamMessage } from "../../testing/stream_reader.ts";
import type { Fault } from "./fault.ts";

/** A stream chooses its next leader by itself, so it takes some luck until each node has led it. */
const ELECTIONS_MAX = 40;

/**
 * Compares the replicas of streams. Only the leader of a stream shows its messages, so each node has
 * to lead each stream for a moment. Nobody may write meanwhile.
 */
export async function compareReplicas(
  cluster: NatsCluster,
  streams: readonly string[],
): Promise<Fault[]> {
  await cluster.startAll();
  await cluster.replicated();
  const faults = await Promise.all(streams.map((stream) => compareStream(cluster, stream)));
  return faults.flat();
}

async function compareStream(cluster: NatsCluster, stream: string): Promise<Fault[]> {
  /** The content of each replica, by the name of its node. */
  const contents = new Map<string, string>();
  using connection = await NatsConnection.open(cluster.nodes[0].address);
  for (let election = 0; contents.size < cluster.nodes.length; election++) {
    if (election === ELECTIONS_MAX) throw new Error(`not every node has led ${stream}`);
    const { name } = await cluster.leader(stream);
    const content = await readStream(connection, stream).then(digestOf, () => undefined);
    // Another node may have become the leader before all was read.
    if (content !== undefined && (await cluster.leader(stream)).name === name) {
      contents.set(name, content);
    }
    if (contents.size === cluster.nodes.length) break;
    const stepDown = `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`;
    await connection.requestJson(stepDown).catch(() => {});
  }
  if (new Set(contents.values()).size === 1) return [];
  const detail = [...contents].map(([name, content]) => `${name}: ${content}`).join(", ");
  return [{ kind: "diverged", detail: `the replicas of ${stream} differ: ${detail}` }];
}

/** Returns the number of messages and a digest of all that they consist of. */
function digestOf(messages: readonly StreamMessage[]): string {
  const hash = createHash("sha256");
  for (const { sequence, subject, headers, body } of messages) {
    hash.update(JSON.stringify([sequence, subject, [...headers], body.length])).update(body);
  }
  return `${messages.length} messages, ${hash.digest("hex").slice(0, 16)}`;
}
