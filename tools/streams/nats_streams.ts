/**
 * The streams of a lottery over the client of NATS. Only {@linkcode openStreams} loads this module.
 *
 * @module
 */

import type { ConsumerMessages } from "@nats-io/jetstream";
import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import { type Cluster, connectCluster } from "../../server/ledger/jetstream/cluster.ts";
import type { DrawRecord, DrawSettings } from "../../server/ledger/jetstream/draw_record.ts";
import { beginDraw, drawStreams, findCurrentDraw } from "../../server/ledger/jetstream/draws.ts";
import type { RawMessage } from "../../server/ledger/jetstream/messages.ts";
import { drawsStream } from "../../server/ledger/jetstream/names.ts";
import type { NatsSettings } from "../../server/ledger/ledger_settings.ts";
import { assertSafe, findStream } from "../../server/ledger/jetstream/streams.ts";
import { TaskError } from "../project.ts";
import type { ListedDraw, StreamLedger, StreamState } from "./stream_ledger.ts";

/** The client holds at most this much of a stream. */
const BYTES_MAX = 4 * 1024 * 1024;
/** A request for messages lasts this long; while there are none, the node shows that it is there. */
const REQUEST_MS = 5000;
const HEARTBEAT_MS = 1000;
/** How long to try without a single message: an election takes up to nine seconds. */
const STALLED_MS = 20_000;
const PAUSE_MS = 250;

/**
 * Connects to the nodes of a ledger.
 *
 * @throws {FatalLedgerError} If the cluster does not accept this program, or is too old.
 * @throws If no node can be reached.
 */
export async function openNatsStreams(settings: NatsSettings): Promise<StreamLedger> {
  return new NatsStreams(await connectCluster(settings), settings);
}

class NatsStreams implements StreamLedger {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #settings: NatsSettings;

  constructor(cluster: Cluster, settings: NatsSettings) {
    this.name = settings.name;
    this.#cluster = cluster;
    this.#settings = settings;
  }

  async currentDraw(): Promise<ListedDraw | undefined> {
    const list = await patiently(() => findStream(this.#cluster, drawsStream(this.name)));
    if (list === undefined) return undefined;
    return await patiently(() => findCurrentDraw(this.#cluster, this.name));
  }

  beginDraw(settings: DrawSettings, previousSequence: number): Promise<ListedDraw> {
    const { name, replicas, partitions } = this.#settings;
    const plan = { ...settings, name, replicas, partitions };
    return patiently(() => beginDraw(this.#cluster, plan, previousSequence));
  }

  async streams(draw: DrawRecord) {
    const plans = drawStreams(draw, this.#settings);
    return await Promise.all(plans.map(async (plan, partition) => {
      const { name } = plan;
      const info = await patiently(() => findStream(this.#cluster, name));
      if (info === undefined) return { name, state: undefined };
      const { messages, first_seq: firstSequence, last_seq: lastSequence } = info.state;
      const fault = faultOf(() => assertSafe(info, plan));
      const state: StreamState = { name, partition, fault, messages, firstSequence, lastSequence };
      return { name, state };
    }));
  }

  async *read(stream: string, to: number): AsyncGenerator<RawMessage, void> {
    const reading: Reading = { stream, to, next: 1 };
    let progress = { next: 1, atMs: performance.now() };
    while (reading.next <= to) {
      try {
        yield* this.#consume(reading);
      } catch {
        // No leader, no connection, or the consumer is gone: another one follows.
      }
      const atMs = performance.now();
      if (reading.next > progress.next) progress = { next: reading.next, atMs };
      if (atMs - progress.atMs > STALLED_MS) {
        throw new TaskError(
          `Cannot read stream ${stream} after message ${
            reading.next - 1
          }: it has had no leader for ` +
            `${STALLED_MS / 1000} s. Start the nodes that are missing`,
        );
      }
      if (reading.next <= to) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Reads with one consumer, as long as it lives. */
  async *#consume(reading: Reading): AsyncGenerator<RawMessage, void> {
    const { stream, to } = reading;
    const { consumers } = this.#cluster.manager.jetstream();
    const consumer = await consumers.get(stream, { opt_start_seq: reading.next });
    try {
      // Nothing is left where the last messages are missing.
      if ((await consumer.info()).num_pending === 0) return void (reading.next = to + 1);
      const messages = await consumer.consume({
        max_bytes: BYTES_MAX,
        expires: REQUEST_MS,
        idle_heartbeat: HEARTBEAT_MS,
      });
      void stopWhenSilent(messages);
      for await (const { seq: sequence, subject, headers, data: body, info } of messages) {
        if (sequence < reading.next) continue;
        reading.next = info.pending === 0 ? to + 1 : sequence + 1;
        const header = (name: string) => headers?.get(name) ?? "";
        const storedAtMs = Math.floor(info.timestampNanos / 1e6);
        if (sequence <= to) yield { stream, subject, sequence, header, body, storedAtMs };
        if (reading.next > to) return;
      }
    } finally {
      consumer.delete().catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.connection.close();
  }
}

/** What is read. */
interface Reading {
  readonly stream: string;
  readonly to: number;
  /** The sequence of the message to read next. */
  next: number;
}

/** Ends a consumer that shows no sign of life. */
async function stopWhenSilent(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === "heartbeats_missed") messages.stop();
  }
}

/** Repeats a request while the cluster elects a leader. */
async function patiently<Result>(request: () => Promise<Result>): Promise<Result> {
  const endMs = performance.now() + STALLED_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (error instanceof FatalLedgerError || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Returns what is wrong with a stream, in one line. */
function faultOf(check: () => void): string | undefined {
  try {
    check();
  } catch (error) {
    if (!(error instanceof FatalLedgerError)) throw error;
    return error.message;
  }
}
