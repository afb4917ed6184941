/**
 * Where the server that writes takes the batches of the others.
 *
 * @module
 */

import type { BetBatch } from "../../../../shared/mod.ts";
import { pause } from "../../../../shared/pause.ts";
import type { RoundResult } from "../round_result.ts";
import { Channel, type HandoverListener } from "./channel.ts";
import { type Frame, FrameError, type Outcome } from "./frames.ts";

/**
 * A writer that was paused for longer declines what it was handed: its sender may have given up, and have had the
 * bets stored elsewhere. Senders are more patient than that.
 */
const PAUSED_MS = 2000;
/** How long a writer that leaves waits for the batches that are on their way. */
const LEAVE_MS = 500;

/** Options of {@linkcode WriterPort}. */
export interface WriterPortOptions {
  /** Both ends must have the same. */
  greeting: string;
  /** Stores a batch of another server, if it is still wanted once it could be stored. */
  store: (
    batch: BetBatch,
    expectedBets: number | undefined,
    isWanted: () => boolean,
  ) => Promise<RoundResult>;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/** A server that hands its batches over. */
interface Peer {
  channel: Channel;
  hasGreeted: boolean;
  /** Batches without an outcome. */
  inHand: number;
  /** Batches since the last tick. */
  batches: number;
}

/** Takes batches, and returns their outcomes. */
export class WriterPort {
  /** Resolves when it accepts no more connections. */
  readonly ended: Promise<void>;
  readonly #options: WriterPortOptions;
  readonly #listener: HandoverListener;
  readonly #peers = new Map<Peer, Promise<void>>();
  #tickedAt: number;
  #wasPaused = false;
  readonly #isWanted = () => !this.wasPaused;

  constructor(listener: HandoverListener, options: WriterPortOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#tickedAt = options.now();
    this.ended = this.#accept();
  }

  /**
   * Tells the others that this server is alive. It is called regularly.
   *
   * @returns The server that has handed over most since the last call; nothing if none has.
   */
  tick(): Peer | undefined {
    if (this.wasPaused) return undefined;
    this.#tickedAt = this.#options.now();
    let busiest: Peer | undefined;
    for (const peer of this.#peers.keys()) {
      if (peer.inHand > 0) peer.channel.send({ type: "alive" });
      if (peer.batches > (busiest?.batches ?? 0)) busiest = peer;
    }
    for (const peer of this.#peers.keys()) peer.batches = 0;
    return busiest;
  }

  /**
   * Whether this server was paused for too long. It remains so: nothing tells a batch that has waited in the socket
   * from a new one, and after a pause the next tick comes before what has arrived.
   */
  get wasPaused(): boolean {
    return this.#wasPaused ||= this.#options.now() - this.#tickedAt > PAUSED_MS;
  }

  /** Whether the others find this port. */
  get isReachable(): boolean {
    return this.#listener.isReachable();
  }

  /** Accepts no more connections. */
  async close(): Promise<void> {
    try {
      this.#listener.close();
    } catch {
      // It has ended by itself.
    }
    await this.ended;
  }

  /**
   * Takes no more batches, once those on their way have their outcome.
   *
   * @param next Who is to write from now on. @default {whoever is first}
   */
  async leave(next?: Peer): Promise<void> {
    for (const peer of this.#peers.keys()) {
      peer.channel.send({ type: peer === next ? "takeover" : "leave" });
    }
    const ending = new AbortController();
    const gone = Promise.all(this.#peers.values()).then(() => ending.abort());
    await pause(LEAVE_MS, ending.signal);
    for (const { channel } of this.#peers.keys()) channel.close();
    await gone;
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        const peer = { channel: new Channel(connection), hasGreeted: false, inHand: 0, batches: 0 };
        this.#peers.set(peer, this.#serve(peer).finally(() => this.#peers.delete(peer)));
      }
    } catch {
      // Too many files are open, for example. The others store their batches themselves.
    }
  }

  #serve(peer: Peer): Promise<void> {
    peer.channel.send({ type: "hello", text: this.#options.greeting });
    return peer.channel.receive((frames) => this.#receive(peer, frames));
  }

  #receive(peer: Peer, frames: readonly Frame[]): void {
    const { wasPaused } = this;
    for (const { type, id, batch, expectedBets, text } of frames) {
      if (!peer.hasGreeted) {
        if (type !== "hello" || text !== this.#options.greeting) {
          throw new FrameError("another lottery, or another version");
        }
        peer.hasGreeted = true;
      } else if (batch !== undefined) {
        if (wasPaused) peer.channel.send({ type: "declined", id });
        else void this.#store(peer, id, batch, expectedBets);
      }
    }
  }

  async #store(peer: Peer, id: number, batch: BetBatch, expectedBets?: number): Promise<void> {
    peer.inHand++;
    peer.batches++;
    const result = await this.#options.store(batch, expectedBets, this.#isWanted);
    peer.inHand--;
    peer.channel.send(outcomeOf(id, result));
  }
}

/** Words a result for the server that has handed the batch over. */
function outcomeOf(id: number, result: RoundResult): Outcome {
  if (result.status === "stored") return { type: "stored", id };
  if (result.status === "unknown") return { type: "unknown", id, text: result.reason };
  const { why, reason } = result;
  if (why === "closed" || why === "count") return { type: "refused", id, why, text: reason };
  // A disk or a file that fails here may work there.
  return { type: "declined", id };
}
