/**
 * A follower of all streams of the cluster in memory.
 *
 * @module
 */

import type { MessageListener } from "../ledger/jetstream/replicated_log.ts";
import type { MemoryCluster } from "./memory_cluster.ts";
import type { MemoryStream } from "./memory_stream.ts";
import { Timers } from "./timers.ts";

/** Most messages that are delivered together. */
const MESSAGES_MAX = 20;

/** Delivers the messages of each stream in order, each once, some time after they are stored. */
export class MemoryFollow implements AsyncDisposable {
  readonly #cluster: MemoryCluster;
  readonly #listener: MessageListener;
  readonly #lagMsMax: number;
  readonly #timers = new Timers();
  readonly #unlisten: (() => void)[] = [];
  readonly #wake = new Set<() => void>();
  #isPaused = false;
  /** How often it was paused. */
  #pauses = 0;
  #isStopped = false;
  readonly #ended: Promise<unknown>;

  constructor(cluster: MemoryCluster, listener: MessageListener, lagMsMax: number) {
    this.#cluster = cluster;
    this.#listener = listener;
    this.#lagMsMax = lagMsMax;
    this.#ended = Promise.all(cluster.streams.map((stream) => {
      this.#unlisten.push(stream.onStored(() => this.#wakeAll()));
      return this.#deliver(stream);
    }));
  }

  /** Delivers nothing until {@linkcode resume}. */
  pause(): void {
    this.#pauses++;
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wakeAll();
  }

  /** Delivers nothing any more. */
  stop(): void {
    this.#isStopped = true;
    for (const unlisten of this.#unlisten) unlisten();
    this.#timers[Symbol.dispose]();
    this.#wakeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#ended;
  }

  async #deliver(stream: MemoryStream): Promise<void> {
    const { random } = this.#cluster;
    let pauses = this.#pauses;
    for (let at = 0; !this.#isStopped;) {
      if (pauses !== this.#pauses) at = this.#resumeAt(at, stream);
      pauses = this.#pauses;
      if (this.#isPaused || at === stream.messages.length) await this.#event();
      else {
        await this.#lag();
        if (this.#isPaused || this.#isStopped) continue;
        const messages = stream.messages.slice(at, at + 1 + random.below(MESSAGES_MAX));
        at += messages.length;
        await this.#listener(messages.map((message) => ({ ...message })));
      }
    }
  }

  /** Where an interrupted follower continues that has delivered `at` messages. */
  #resumeAt(at: number, { messages }: MemoryStream): number {
    const { random, without } = this.#cluster;
    if (without === "no repeats") return random.below(at + 1);
    if (without === "no gaps") return at + random.below(messages.length - at + 1);
    return at;
  }

  /** Waits until something is stored, or the follower goes on or ends. */
  #event(): Promise<void> {
    return new Promise((resolve) => this.#wake.add(resolve));
  }

  #lag(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.add(resolve);
      this.#timers.after(this.#cluster.random.below(this.#lagMsMax), () => {
        this.#wake.delete(resolve);
        resolve();
      });
    });
  }

  #wakeAll(): void {
    const waiting = [...this.#wake];
    this.#wake.clear();
    for (const wake of waiting) wake();
  }
}
