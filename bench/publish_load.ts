/**
 * Load for nodes of JetStream without a server, in a thread of its own: senders that each store a batch and
 * wait for the answer. Either they publish it without a condition, which is the floor, or they append it to our
 * ledger.
 *
 * The packages of NATS are loaded with this thread, and so only where they are needed.
 *
 * @module
 */

import { openJetStreamLedger } from "../server/ledger/jetstream/engine.ts";
import type { NatsSettings } from "../server/ledger/ledger_settings.ts";
import { openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { WINNING_NUMBER } from "../testing/lottery_environment.ts";
import { type LoadResult, storeFor, type StoreNext, takeOrders } from "./load_worker.ts";
import { madeBatches } from "./made_bets.ts";
import { openPublishFloor, type Store } from "./publish_floor.ts";

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

/** How many batches a sender alternates. */
const BATCHES = 16;
const made = new Map<number, Uint8Array<ArrayBuffer>[]>();
const stores = new Map<PublishOrder["to"], Store>();

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
    store = await (to === "streams" ? openPublishFloor(order) : openLedger(order));
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
