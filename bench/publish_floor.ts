/**
 * The floor of a ledger on JetStream: batches are published to streams like those of a draw, without a condition.
 * Nothing checks or follows them.
 *
 * @module
 */

import { headers } from "@nats-io/transport-node";
import { connectCluster } from "../server/ledger/jetstream/cluster.ts";
import { messageHeaders } from "../server/ledger/jetstream/messages.ts";
import { ensureStream } from "../server/ledger/jetstream/streams.ts";
import type { NatsSettings } from "../server/ledger/ledger_settings.ts";

/** Stores a batch of an agency. */
export type Store = (agency: number, rows: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Options of {@linkcode openPublishFloor}. */
export interface PublishFloorOptions {
  settings: NatsSettings;
  /** Bets in a batch. */
  bets: number;
}

const TIMEOUT_MS = 30_000;

/** Connects, and makes the streams unless they are there. */
export async function openPublishFloor(
  { settings, bets }: PublishFloorOptions,
): Promise<Store> {
  const cluster = await connectCluster(settings);
  const { partitions, replicas } = settings;
  const plans = Array.from({ length: partitions }, (_, partition) => ({
    name: `FLOOR_${partition}`,
    subject: `floor.${partition}.*`,
    replicas,
  }));
  await Promise.all(plans.map((plan) => ensureStream(cluster, plan)));
  // The bytes of a message of ours, without its condition.
  const list = headers();
  const message = { id: crypto.randomUUID(), kind: "bets", bets, rows: new Uint8Array() } as const;
  const [, ...kept] = Object.entries(messageHeaders(message, 0));
  for (const [name, value] of kept) list.set(name, value);
  return async (agency, rows) => {
    const subject = `floor.${agency % partitions}.${agency}`;
    const options = { timeout: TIMEOUT_MS, headers: list };
    const answer = await cluster.connection.request(subject, rows, options);
    const { seq } = answer.json<{ seq?: number }>();
    if (seq === undefined) throw new Error(`Cannot measure: a node answered ${answer.string()}`);
  };
}
