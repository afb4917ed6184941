/**
 * Follows one stream from its first message on, through outages: an ordered consumer is replaced whenever it
 * stalls or its node fails, and goes on after the last message that was delivered.
 *
 * @module
 */

import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";

/** The client holds at most this much of a stream. Larger requests have stalled a node. */
const BYTES_MAX = 4 * 1024 * 1024;
/** A request for messages lasts this long; while there are none, the node shows that it is there. */
const REQUEST_MS = 5000;
const HEARTBEAT_MS = 1000;
/** Nodes forget a consumer after this time without its client. */
const FORGOTTEN_MS = 30_000;
/** Pause before a consumer is replaced. */
const PAUSE_MS = 250;
/**
 * How often it must be seen that messages are gone, and over which time: a leader that was just elected may
 * not have read all of them yet.
 */
const LOSSES_MAX = 10;
const LOSS_MS = 30_000;

/** Options of {@linkcode StreamFollow}. */
export interface StreamFollowOptions {
  stream: string;
  /** Sequence of the first message to deliver. @default {1} */
  from?: number;
  /** Takes the messages, in order. The next one waits for its promise. */
  onMessage: (message: JsMsg) => void | Promise<void>;
  /** Called when the stream has lost messages. Nothing is delivered any more. */
  onDamage: (error: Error) => void;
}

/** A follower of one stream. It runs until it is disposed of. */
export class StreamFollow implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #options: StreamFollowOptions;
  /** The sequence of the message that was delivered last. */
  #last: number;
  #messages: ConsumerMessages | undefined;
  #endPause: () => void = () => {};
  #isStopped = false;
  #losses = 0;
  #lossSince = 0;
  readonly #running: Promise<void>;

  constructor(cluster: Cluster, options: StreamFollowOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#last = (options.from ?? 1) - 1;
    this.#running = this.#run();
  }

  /** Replaces the consumer: its node may have lost it. */
  restart(): void {
    this.#messages?.stop();
    this.#endPause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.restart();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#consume();
      } catch {
        // No leader, no connection, or the consumer is gone: another one follows.
      }
      if (!this.#isStopped) await this.#pause();
    }
  }

  async #consume(): Promise<void> {
    const { stream } = this.#options;
    const { state } = await this.#cluster.manager.streams.info(stream);
    if (state.last_seq < this.#last) {
      return this.#onLoss(`it ends with message ${state.last_seq}, but ${this.#last} was read`);
    }
    const consumer = await this.#cluster.manager.jetstream().consumers.get(stream, {
      opt_start_seq: this.#last + 1,
      inactive_threshold: FORGOTTEN_MS,
    });
    const messages = await consumer.consume({
      max_bytes: BYTES_MAX,
      expires: REQUEST_MS,
      idle_heartbeat: HEARTBEAT_MS,
    });
    this.#messages = messages;
    if (this.#isStopped) messages.stop();
    void this.#watch(messages);
    try {
      for await (const message of messages) {
        if (this.#isStopped || !await this.#take(message)) return;
      }
    } finally {
      messages.stop();
      consumer.delete().catch(() => {});
    }
  }

  /** Ends a consumer that shows no sign of life. */
  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === "heartbeats_missed") messages.stop();
    }
  }

  /** Delivers a message; returns false if some are missing before it. */
  async #take(message: JsMsg): Promise<boolean> {
    // A consumer that the client has replaced by itself may begin with messages that were delivered.
    if (message.seq <= this.#last) return true;
    if (message.seq > this.#last + 1) {
      this.#onLoss(`message ${message.seq} follows message ${this.#last}`);
      return false;
    }
    this.#losses = 0;
    await this.#options.onMessage(message);
    this.#last = message.seq;
    return true;
  }

  #onLoss(what: string): void {
    const now = performance.now();
    if (this.#losses++ === 0) this.#lossSince = now;
    if (this.#losses < LOSSES_MAX || now - this.#lossSince < LOSS_MS) return;
    this.#isStopped = true;
    this.#options.onDamage(
      new Error(
        `Stream ${this.#options.stream} has lost messages: ${what}. Stop all servers, and restore it from a ` +
          "backup or from a node that still has them",
      ),
    );
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PAUSE_MS);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }
}
