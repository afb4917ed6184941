/**
 * Load for nodes of JetStream without a server, in a thread of its own: senders that each store a batch and
 * wait for the answer. Either they publish it, to streams like those of a draw and without a condition, which
 * is the floor: nothing parses, checks or follows anything. Or they append it to our ledger.
 *
 * The packages of NATS are loaded with this thread, and so only where they are needed.
 *
 * @module
 */

import { headers } from "@nats-io/transport-node";
import { connectCluster } from "../server/ledger/jetstream/cluster.ts";
import { openJetStreamLedger } from "../server/ledger/jetstream/engine.ts";
import { messageHeaders } from "../server/ledger/jetstream/messages.ts";
import { ensureStream } from "../server/ledger/jetstream/streams.ts";
import type { NatsSettings } from "../server/ledger/ledger_settings.ts";
import { openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { type LoadResult, storeFor, type StoreNext, takeOrders } from "./load_worker.ts";
import { madeBatches } from "./made_bets.ts";

/** What to store, and how. */
export interface PublishOrder {
  to: "streams" | "ledger";
  settings: NatsSettings;
  /** How many senders. Each sends for an agency of its own. */
  senders: number;
  /** Bets in a batch. */
  bets: number;
  /** For how long to send new batches. */
  seconds: number;
}

/** Stores a batch of an agency. */
type Store = (agency: number, rows: Uint8Array<ArrayBuffer>) => Promise<void>;

const TIMEOUT_MS = 30_000;
/** How many batches a sender alternates. */
const BATCHES = 16;
const made = new Map<number, Uint8Array<ArrayBuffer>[]>();
const stores = new Map<PublishOrder["to"], Store>();

/** Connects, and makes streams like those of a draw. */
async function openStreams({ settings, bets }: PublishOrder): Promise<Store> {
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

/** Opens a ledger of its own on the same nodes. */
async function openLedger({ settings, senders, bets }: PublishOrder): Promise<Store> {
  const ledger = await openJetStreamLedger({
    settings: { ...settings, name: "ledger-alone" },
    draw: { agencies: senders, winningNumber: WINNING_NUMBER },
    log: openLog({ levels: SERVER_LEVELS, level: "ERROR", sink: console.error }),
  });
  return async (agency, bytes) => {
    const result = await ledger.append({ agency, count: bets, bytes });
    if (result.status !== "stored") throw new Error(`Cannot measure: ${result.reason}`);
  };
}

/** Returns the batches of an agency: made once, because that takes longer than sending them. */
function batchesOf(agency: number, bets: number): Uint8Array<ArrayBuffer>[] {
  let batches = made.get(agency);
  if (batches === undefined) {
    made.set(agency, batches = madeBatches(agency, { batches: BATCHES, bets }));
  }
  return batches;
}

async function run(order: PublishOrder): Promise<LoadResult> {
  const { to, senders, bets, seconds } = order;
  let store = stores.get(to);
  if (store === undefined) {
    store = await (to === "streams" ? openStreams(order) : openLedger(order));
    stores.set(to, store);
  }
  const sender = (agency: number): StoreNext => {
    const batches = batchesOf(agency, bets);
    return async (call) => {
      await store(agency, batches[call % BATCHES]);
      return bets;
    };
  };
  return await storeFor(seconds, Array.from({ length: senders }, (_, index) => sender(index + 1)));
}

takeOrders(run);
