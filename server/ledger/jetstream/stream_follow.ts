/**
 * Follows one stream from its first message on, through outages.
 *
 * It reads with an ordered consumer: one without acknowledgements, whose messages are numbered without gaps. A
 * consumer that fails in any way is replaced by another one, which begins after the last message that was
 * delivered.
 *
 * While a stream is idle, one request waits for its next message. After that it is read in bulk, with pauses:
 * that costs a node and this server a fraction of what single messages cost, and nobody needs them sooner.
 *
 * @module
 */

import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import type { Cluster } from "./cluster.ts";
import { Losses } from "./losses.ts";
import { type PulledMessage, Puller } from "./puller.ts";
import type { Turns } from "./turns.ts";

/** The limits of one request. Several larger ones have exceeded what a node keeps for a connection. */
const BULK = { batch: 1000, max_bytes: 4 * 1024 * 1024, no_wait: true };
/** How long a request waits for the next message of an idle stream. */
const NEXT = { batch: 1, expires: 5_000_000_000 };
const NEXT_MS = 5000;
/** Longest silence of a consumer while it has messages. */
const SILENCE_MS = 3000;
/** Pause between two readings. */
const BULK_PAUSE_MS = 200;
/** Pause before a consumer is replaced. */
const PAUSE_MS = 250;
/** Nodes forget a consumer after this time without requests. */
const FORGOTTEN_NS = 30_000_000_000;

/** Options of {@linkcode StreamFollow}. */
export interface StreamFollowOptions {
  stream: string;
  /** Sequence of the first message to deliver. @default {1} */
  from?: number;
  /** Limits how many streams are read in bulk at a time. */
  turns: Turns;
  /** Receives the messages, in order. The next ones wait for its promise. */
  onMessages: (messages: PulledMessage[]) => void | Promise<void>;
  /** Called when the stream has lost messages. Nothing is delivered any more. */
  onDamage: (error: Error) => void;
}

/** A follower of one stream. It runs until it is disposed of. */
export class StreamFollow implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #options: StreamFollowOptions;
  /** The sequence of the message that was delivered last. */
  #last: number;
  #puller: Puller | undefined;
  #endPause: () => void = () => {};
  #mustReplace = false;
  #isStopped = false;
  readonly #losses = new Losses();
  readonly #running: Promise<void>;

  constructor(cluster: Cluster, options: StreamFollowOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#last = (options.from ?? 1) - 1;
    this.#running = this.#run();
  }

  /** Replaces the consumer: its node may have lost it. */
  restart(): void {
    this.#mustReplace = true;
    this.#puller?.fail(new Error("the consumer is replaced"));
    this.#endPause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.restart();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#mustReplace = false;
      try {
        await this.#consume();
      } catch {
        // No leader, no connection, or the consumer is gone: another one follows.
      }
      if (!this.#isStopped) await this.#pause(PAUSE_MS);
    }
  }

  /** Reads with one consumer until it fails. */
  async #consume(): Promise<void> {
    const { stream } = this.#options;
    const { streams, consumers } = this.#cluster.manager;
    const { state } = await streams.info(stream);
    if (state.last_seq < this.#last) {
      return this.#onLoss(`it ends with message ${state.last_seq}, but ${this.#last} was read`);
    }
    const { name } = await consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#last + 1,
      inactive_threshold: FORGOTTEN_NS,
      mem_storage: true,
      num_replicas: 1,
    });
    using puller = new Puller(this.#cluster.connection, { stream, name });
    this.#puller = puller;
    try {
      while (!this.#mustReplace) await this.#read(puller);
    } finally {
      consumers.delete(stream, name).catch(() => {});
    }
  }

  /** Reads what is there, or waits for the next message. */
  async #read(puller: Puller): Promise<void> {
    const { turns } = this.#options;
    let { messages, isFull } = await turns.run(() => puller.pull(BULK, SILENCE_MS));
    if (messages.length === 0) ({ messages } = await puller.pull(NEXT, NEXT_MS + SILENCE_MS));
    if (messages.length === 0) return;
    this.#assertNext(messages);
    await this.#options.onMessages(messages);
    this.#last = messages[messages.length - 1].seq;
    if (!isFull) await this.#pause(BULK_PAUSE_MS);
  }

  /** Makes sure that messages follow the one that was delivered last: every message of the stream, each once. */
  #assertNext(messages: readonly PulledMessage[]): void {
    const at = messages.findIndex(({ seq }, index) => seq !== this.#last + 1 + index);
    if (at >= 0) {
      const what = `message ${messages[at].seq} follows message ${this.#last + at}`;
      this.#onLoss(what);
      throw new Error(what);
    }
    this.#losses.clear();
  }

  #onLoss(what: string): void {
    if (!this.#losses.note(performance.now())) return;
    this.#isStopped = true;
    this.#options.onDamage(
      new Error(
        `Stream ${this.#options.stream} has lost messages: ${what}. Stop all servers, and restore it from a ` +
          "backup or from a node that still has them",
      ),
    );
  }

  async #pause(timeMs: number): Promise<void> {
    if (this.#mustReplace) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeMs);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }
}
