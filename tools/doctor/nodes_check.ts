/**
 * Checks the nodes of a ledger on JetStream: what clients cannot see and the promise depends on.
 *
 * @module
 */

import { compareVersions, NATS_VERSION_MIN } from "../nodes/nats_server.ts";
import {
  explainSilence,
  type Health,
  type JetStreamStatus,
  Monitoring,
  type NodeStatus,
  type StreamStatus,
} from "../nodes/monitoring.ts";
import type { Finding } from "./finding.ts";

/** Replicas lag for a moment under load: these many looks decide. */
const LOOKS = 3;
const LOOK_PAUSE_MS = 500;
/** Further apart than this, timestamps of streams and the ages of certificates are misleading. */
const CLOCK_DIFFERENCE_MAX_MS = 2000;
/** The part of a node's storage from which on it is nearly full, and full. */
const NEARLY_FULL = 0.8;
const FULL = 0.95;
/** The fewest nodes of which one may die. */
const NODES_MIN = 3;

/** What a node has answered, at one look. */
export interface NodeAnswers {
  /** Where it was asked, `host:port`. */
  address: string;
  status: NodeStatus;
  jetStream: JetStreamStatus;
  health: Health;
  /** This machine's clock when it was asked, in milliseconds since 1970. */
  askedMs: number;
  /** The longest time between its clock's reading and that of this machine. */
  roundTripMs: number;
}

/** A node that has not answered. */
export interface SilentNode {
  address: string;
  reason: string;
}

/** What is asked of the nodes. */
export interface NodesExpected {
  /** Streams that begin with this belong to the lottery, such as `LOTTERY_`. */
  streamPrefix: string;
  /** LEDGER_REPLICAS. */
  replicas: number;
}

/** A finding, and the name of what was checked. */
export type NamedFinding = Finding & { name: string };

/**
 * Asks all nodes, and judges their answers.
 *
 * @param addresses Their monitoring ports, `host:port`.
 */
export async function checkNodes(
  addresses: readonly string[],
  expected: NodesExpected,
): Promise<NamedFinding[]> {
  const looks = [await askAll(addresses)];
  while (
    looks.length < LOOKS && looks.at(-1)!.some((answer) => laggards(answer, expected).length > 0)
  ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
    looks.push(await askAll(addresses));
  }
  return judgeNodes(looks, expected);
}

type Answer = NodeAnswers | SilentNode;

function askAll(addresses: readonly string[]): Promise<Answer[]> {
  return Promise.all(addresses.map(ask));
}

async function ask(address: string): Promise<Answer> {
  const node = new Monitoring(address);
  try {
    const askedMs = Date.now();
    const status = await node.status();
    const roundTripMs = Date.now() - askedMs;
    const [jetStream, health] = await Promise.all([node.jetStream(), node.health()]);
    return { address, status, jetStream, health, askedMs, roundTripMs };
  } catch (error) {
    return { address, reason: explainSilence(error) };
  }
}

/**
 * Judges what nodes have answered.
 *
 * @param looks The answers of all nodes, at one look after the other. Only lag is judged by all of them.
 */
export function judgeNodes(looks: Answer[][], expected: NodesExpected): NamedFinding[] {
  const last = looks.at(-1)!;
  const nodes = last.filter((answer) => "status" in answer);
  const findings = last.map((answer) =>
    "status" in answer
      ? { name: answer.status.server_name, ...judgeNode(answer) }
      : { name: "node", ...judgeSilence(answer) }
  );
  const more = [
    ...judgeCluster(nodes, last.length, expected),
    ...judgeClocks(nodes),
    ...judgeLag(looks, expected),
  ];
  return [...findings, ...more.map((finding) => ({ name: "nodes", ...finding }))];
}

function judgeSilence({ address, reason }: SilentNode): Finding {
  return {
    level: "fault",
    text:
      `${address} cannot be asked (${reason}): start the node, open its monitoring port (http in its ` +
      "configuration) for this machine alone, or name the ports in LEDGER_MONITORING",
  };
}

/** Judges a node by itself. The first fault counts: others often follow from it. */
function judgeNode({ address, status, jetStream, health }: NodeAnswers): Finding {
  const { version } = status;
  const where = `nats-server ${version} at ${address}`;
  const fault = (text: string): Finding => ({ level: "fault", text: `${where}: ${text}` });
  if (compareVersions(version, NATS_VERSION_MIN) < 0) {
    return fault(
      `versions before ${NATS_VERSION_MIN} store bets against their condition, and servers refuse them: install ` +
        "2.14 or later",
    );
  }
  if (jetStream.disabled || status.jetstream.config === undefined) {
    return fault(
      "JetStream is switched off: nats-server does so when its disk is full or fails. See its log, make room, and " +
        "start it again",
    );
  }
  if (!status.jetstream.config.sync_always) {
    return fault(
      "it does not sync every write, so a power cut loses acknowledged bets: set sync_interval: always in the " +
        "section jetstream of its configuration, and start it again, one node after the other",
    );
  }
  const share = usedShare(jetStream);
  if (share >= FULL) return fault(`its storage is full (${percent(share)}): ${MAKE_ROOM}`);
  if (health.status !== "ok") {
    return fault(
      `it is not healthy: ${
        health.error ?? health.status
      }. If that lasts, replace the node as docs/operations.md says`,
    );
  }
  if (share >= NEARLY_FULL) {
    return {
      level: "warning",
      text: `${where}: its storage is nearly full (${percent(share)}): ${MAKE_ROOM}`,
    };
  }
  const isSlow = compareVersions(version, SYNCS_ONCE) < 0;
  return {
    level: "ok",
    text: `${where} syncs every write, ${percent(share)} of its storage is used${
      isSlow ? SYNCS_TWICE : ""
    }`,
  };
}

/** The first version that syncs a message in the Raft log alone, and not in the stream as well. */
const SYNCS_ONCE = "2.15.0";
const SYNCS_TWICE =
  `; before ${SYNCS_ONCE} nodes sync each message twice, so fewer agencies can send at once: docs/scale.md has figures`;

const MAKE_ROOM =
  "give it a larger disk and raise max_file_store, or delete the streams of old draws after a backup";

function usedShare({ storage = 0, config }: JetStreamStatus): number {
  return storage / (config?.max_storage || Infinity);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Judges whether the nodes are one cluster, complete, and with a leader. */
function judgeCluster(
  nodes: NodeAnswers[],
  asked: number,
  { replicas }: NodesExpected,
): Finding[] {
  if (nodes.length === 0) return [];
  const findings: Finding[] = [];
  const names = new Set(nodes.map(({ status }) => status.cluster?.name ?? "no cluster"));
  if (names.size > 1) {
    findings.push({
      level: "fault",
      text: `they belong to different clusters (${
        [...names].join(", ")
      }): LEDGER must name nodes of one cluster`,
    });
  }
  const sizes = nodes.map(({ status }) => status.jetstream.meta?.cluster_size ?? 1);
  const size = Math.max(0, ...sizes);
  if (size < NODES_MIN) {
    findings.push({
      level: replicas > size ? "fault" : "warning",
      text:
        `${size} of at least ${NODES_MIN}: with fewer the death of one loses bets or stops the lottery` +
        (replicas > size
          ? `, and streams of ${replicas} replicas (LEDGER_REPLICAS) cannot be made`
          : ""),
    });
  } else if (asked < size) {
    findings.push({
      level: "warning",
      text:
        `the cluster has ${size}, and ${asked} were asked: name all of them in LEDGER, so that servers find one ` +
        "that lives, and in LEDGER_MONITORING",
    });
  }
  const hasLeader = nodes.some(({ jetStream }) => jetStream.meta_cluster?.leader !== undefined);
  if (size > 1 && !hasLeader) {
    findings.push({
      level: "fault",
      text:
        "they have no leader, because fewer than a majority reach each other: start the others, and open the " +
        "cluster port among all of them",
    });
  }
  return findings;
}

function judgeClocks(nodes: NodeAnswers[]): Finding[] {
  if (nodes.length === 0) return [];
  // A reading lies somewhere within the time that the answer took.
  const offsets = nodes.map(({ status, askedMs, roundTripMs }) =>
    Date.parse(status.now) - (askedMs + roundTripMs / 2)
  );
  const names = nodes.map(({ status }) => status.server_name);
  const uncertainty = Math.max(...nodes.map(({ roundTripMs }) => roundTripMs));
  const all = [...offsets, 0];
  const difference = Math.max(...all) - Math.min(...all);
  if (difference - uncertainty <= CLOCK_DIFFERENCE_MAX_MS) return [];
  const shown = offsets.map((offset, index) => `${names[index]} ${(offset / 1000).toFixed(1)} s`);
  return [{
    level: "fault",
    text: `the clocks differ (from this machine's: ${shown.join(", ")}): run NTP on every host`,
  }];
}

/** A replica that has not caught up with its leader. */
interface Laggard {
  /** `stream on node`. */
  id: string;
  text: string;
}

function judgeLag(looks: Answer[][], expected: NodesExpected): Finding[] {
  const found = looks.map((answers) => answers.flatMap((answer) => laggards(answer, expected)));
  const lasting = found.at(-1)!.filter(({ id }) =>
    found.every((look) => look.some((laggard) => laggard.id === id))
  );
  const last = looks.at(-1)!;
  const led = last.flatMap((answer) => ledStreams(answer, expected)).map(({ name }) => name);
  const known = last.flatMap((answer) => streamsOf(answer, expected)).map(({ name }) => name);
  const leaderless = [...new Set(known)].filter((name) => !led.includes(name));
  if (leaderless.length > 0) {
    return [{
      level: "fault",
      text:
        `no node that was asked leads ${
          leaderless.join(", ")
        }: a leader is elected within ten seconds if a ` +
        "majority of the nodes lives. Start those that are missing, and ask again",
    }];
  }
  if (lasting.length > 0) {
    return [{
      level: "fault",
      text: `replicas that have not caught up: ${
        lasting.map(({ text }) => text).join("; ")
      }. Until they have, the ` +
        "death of another node may stop the lottery. If one stays behind, replace its node as docs/operations.md says",
    }];
  }
  if (led.length === 0) return [];
  return [{ level: "ok", text: `all replicas of ${led.length} streams have caught up` }];
}

/** Returns the streams of the lottery of which a node has a replica. */
function streamsOf(answer: Answer, { streamPrefix }: NodesExpected): StreamStatus[] {
  if (!("status" in answer)) return [];
  return (answer.jetStream.account_details ?? [])
    .flatMap(({ stream_detail: streams = [] }) => streams)
    .filter(({ name }) => name.startsWith(streamPrefix));
}

/** Returns those that the node leads: only a leader knows its replicas. */
function ledStreams(answer: Answer, expected: NodesExpected): StreamStatus[] {
  if (!("status" in answer)) return [];
  const { server_name: node } = answer.status;
  return streamsOf(answer, expected).filter(({ cluster }) =>
    // A node alone has no cluster, and leads all of its streams.
    cluster === undefined || cluster.leader === node
  );
}

function laggards(answer: Answer, expected: NodesExpected): Laggard[] {
  return ledStreams(answer, expected).flatMap(({ name: stream, cluster }) =>
    (cluster?.replicas ?? []).filter(({ current, offline }) => offline || !current)
      .map(({ name, offline, lag = 0 }) => ({
        id: `${stream} on ${name}`,
        text: `${stream} on ${name} (${offline ? "offline" : `${lag} operations behind`})`,
      }))
  );
}
