/**
 * A replicated log in memory: streams with leaders that are elected, and clients whose messages are
 * lost, delayed and overtaken. Everything that happens follows from the random numbers and the clock.
 *
 * @module
 */

import type { StoredMessage } from "../ledger/jetstream/replicated_log.ts";
import { Random } from "../../testing/random.ts";
import { MemoryLog, type MemoryLogOptions } from "./memory_log.ts";
import { MemoryStream } from "./memory_stream.ts";
import { Timers } from "./timers.ts";

/** What becomes of one message between a client and the cluster. */
export type Fate =
  | "arrives"
  | "lost"
  /** It arrives long after its client has given up: it was in the buffer of a paused node or a proxy. */
  | "late";

/** A message between a client and the cluster. */
export interface Transit {
  kind: "publish" | "publish answer" | "read" | "read answer";
  client: MemoryLog;
}

/** A guarantee of JetStream, or of its client, that the cluster does not give. For controls. */
export type MissingGuarantee =
  /** Expected sequences are not compared. */
  | "condition"
  /** A leader answers before a majority has stored the message. */
  | "majority"
  /** A follower that was interrupted gets some messages again. */
  | "no repeats"
  /** A follower that was interrupted misses some messages. */
  | "no gaps";

/** Options of {@linkcode MemoryCluster}. */
export interface MemoryClusterOptions {
  /** LEDGER_PARTITIONS. @default {4} */
  partitions?: number;
  /** @default {one that always gives the same numbers} */
  random?: Random;
  /** Longest time from a leader's proposal to the majority's consent. @default {3} */
  commitMsMax?: number;
  /** Longest way of a message between a client and the cluster. Messages overtake each other. @default {3} */
  transitMsMax?: number;
  /** How long a late message may take, in milliseconds. @default {20000} */
  lateMsMax?: number;
  /** @default {none} */
  without?: MissingGuarantee;
}

/** The cluster that all servers share. */
export class MemoryCluster implements Disposable {
  readonly random: Random;
  readonly timers = new Timers();
  readonly streams: readonly MemoryStream[];
  readonly commitMsMax: number;
  readonly transitMsMax: number;
  readonly lateMsMax: number;
  readonly without: MissingGuarantee | undefined;
  /** All messages, in the order in which they were stored. */
  readonly stored: StoredMessage[] = [];
  /** Decides what becomes of each message. */
  fate: (transit: Transit) => Fate = () => "arrives";

  constructor(options: MemoryClusterOptions = {}) {
    const { partitions = 4, random = new Random(1), without } = options;
    const { commitMsMax = 3, transitMsMax = 3, lateMsMax = 20_000 } = options;
    this.random = random;
    this.commitMsMax = commitMsMax;
    this.transitMsMax = transitMsMax;
    this.lateMsMax = lateMsMax;
    this.without = without;
    this.streams = Array.from({ length: partitions }, (_, partition) => {
      const stream = new MemoryStream(`MEMORY_${partition}`, this);
      stream.onStored((message) => void this.stored.push(message));
      return stream;
    });
  }

  /** Connects one more client. */
  connect(options: MemoryLogOptions = {}): MemoryLog {
    return new MemoryLog(this, options);
  }

  /** Returns the stream of an agency. */
  streamOf(agency: number): MemoryStream {
    return this.streams[agency % this.streams.length];
  }

  /** Returns the stored messages of an agency, in their order. */
  messages(agency: number): StoredMessage[] {
    return this.streamOf(agency).messages.filter((message) => message.agency === agency);
  }

  /** Leaves every stream without a leader for some time, as the loss of the majority does. */
  loseMajority(timeMs: number): void {
    for (const stream of this.streams) stream.elect(timeMs);
  }

  /** Ends everything that is in transit. */
  [Symbol.dispose](): void {
    this.timers[Symbol.dispose]();
  }
}
