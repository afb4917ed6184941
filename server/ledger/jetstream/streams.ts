/**
 * The streams of a lottery: how they are made, and what they must be like.
 *
 * @module
 */

import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { FatalLedgerError } from "../fatal_error.ts";
import { type Cluster, errorCodeOf } from "./cluster.ts";

const STREAM_NOT_FOUND = 10059;
/** Another stream has one of the subjects. */
const SUBJECTS_OVERLAP = 10065;
/** A single node cannot replicate. */
const REPLICAS_NOT_SUPPORTED = 10074;
/** The smallest window that all supported versions accept: the ledger does not use it. */
const DUPLICATE_WINDOW_NS = 100_000_000;

/** A stream of a lottery. */
export interface StreamPlan {
  name: string;
  subject: string;
  /** LEDGER_REPLICAS. */
  replicas: number;
}

/** What JetStream is asked for: nothing of the stream is ever deleted, replaced or left out. */
function configOf(
  { name, subject, replicas }: StreamPlan,
): Partial<StreamConfig> & { name: string } {
  return {
    name,
    subjects: [subject],
    storage: StorageType.File,
    num_replicas: replicas,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_bytes: -1,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    duplicate_window: DUPLICATE_WINDOW_NS,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
  };
}

/** Looks up a stream; returns nothing if there is none. */
export async function findStream(
  { manager }: Cluster,
  name: string,
): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (errorCodeOf(error) === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/**
 * Makes a stream, unless it is there. Servers that do so at the same time make one.
 *
 * @throws {FatalLedgerError} If the stream does not keep what it stores, or cannot be made like that.
 */
export async function ensureStream(cluster: Cluster, plan: StreamPlan): Promise<StreamInfo> {
  const info = await findStream(cluster, plan.name) ?? await createStream(cluster, plan);
  assertSafe(info, plan);
  return info;
}

async function createStream({ manager }: Cluster, plan: StreamPlan): Promise<StreamInfo> {
  try {
    return await manager.streams.add(configOf(plan));
  } catch (cause) {
    const code = errorCodeOf(cause);
    if (code === REPLICAS_NOT_SUPPORTED) {
      throw new FatalLedgerError(
        `Cannot make stream ${plan.name} with ${plan.replicas} replicas: the node of LEDGER is not part of a ` +
          "cluster. Name the nodes of a cluster, or set LEDGER_REPLICAS=1 for a test without replication",
        { cause },
      );
    }
    if (code === SUBJECTS_OVERLAP) {
      throw new FatalLedgerError(
        `Cannot make stream ${plan.name}: another stream has its subject ${plan.subject}. Choose another ` +
          "LEDGER_NAME, or remove the other stream",
        { cause },
      );
    }
    throw cause;
  }
}

/**
 * Makes sure that a stream keeps all that it stores.
 *
 * @throws {FatalLedgerError} Naming everything that is wrong with it, and what to do.
 */
export function assertSafe({ config }: StreamInfo, { name, subject, replicas }: StreamPlan): void {
  const edit = `nats stream edit ${name}`;
  const faults: string[] = [];
  if (config.storage !== StorageType.File) {
    faults.push(
      "it is kept in memory; a stream cannot change that, so move it away and let servers make it",
    );
  }
  if (config.num_replicas < replicas) {
    faults.push(
      `it has ${config.num_replicas} replicas, but LEDGER_REPLICAS is ${replicas}: ${edit} --replicas ${replicas}`,
    );
  }
  if (!config.deny_delete) faults.push("deny_delete is off: its messages may be deleted");
  if (!config.deny_purge) faults.push("deny_purge is off: it may be emptied");
  if (config.allow_rollup_hdrs) {
    faults.push("allow_rollup_hdrs is on: a message may replace others");
  }
  if (config.retention !== RetentionPolicy.Limits) {
    faults.push(`its retention is ${config.retention}: it must be ${RetentionPolicy.Limits}`);
  }
  for (const limit of ["max_age", "max_bytes", "max_msgs", "max_msgs_per_subject"] as const) {
    if (config[limit] > 0) {
      faults.push(`${limit} is ${config[limit]}: remove the limit with ${edit}`);
    }
  }
  if (config.subjects?.join() !== subject) {
    faults.push(
      `its subjects are ${config.subjects?.join(", ") ?? "none"}: they must be ${subject}`,
    );
  }
  if (faults.length === 0) return;
  throw new FatalLedgerError(
    `Stream ${name} does not keep what it stores:\n${
      faults.map((fault) => `  - ${fault}`).join("\n")
    }\n` +
      "What cannot be edited is fixed by another LEDGER_NAME, or by a backup that is restored as such a stream",
  );
}
