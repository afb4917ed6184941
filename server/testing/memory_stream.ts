/**
 * A replicated stream in memory: what a stream of JetStream with several replicas promises, and nothing
 * more.
 *
 * Promised: a stored message is on a majority, is never lost, and keeps its place. A conditional publish
 * is stored only if the last message of its subject has the expected sequence at that moment.
 *
 * Not promised, and so all of it happens here:
 * - A publish without an answer is stored at any later time, as long as its condition holds.
 * - A publish is refused although nothing new is stored: the leader refuses a subject that has another
 *   publish in process, for as long as its followers are slow, and a deposed leader compares with what it
 *   last saw.
 * - A read is answered from an older state of the stream.
 *
 * @module
 */

import type { LogMessage, StoredMessage } from "../ledger/jetstream/replicated_log.ts";
import type { MemoryCluster } from "./memory_cluster.ts";

/** A deposed leader may answer for this much longer than the election of another one takes. */
const DEPOSED_MS_MAX = 1000;

/** A publish as it arrives at a leader. */
export interface Publish {
  agency: number;
  message: LogMessage;
  expectedSequence: number;
  /** Sends the answer. It may arrive after the client has given up, or not at all. */
  answer: (answer: PublishAnswer) => void;
}

/** What a leader answers to a publish. */
export type PublishAnswer = { status: "stored"; sequence: number } | { status: "mismatch" };

/** A publish that a leader has proposed and no majority has stored yet. */
interface Proposal extends Publish {
  cancel: () => void;
}

/** A node that was the leader, and has not noticed yet that it no longer is. */
interface DeposedLeader {
  /** How many messages of the stream it has. */
  messages: number;
}

/** Whose state of the stream a read sees: that of the majority, or that of a deposed leader. */
export type State = "newest" | "deposed";

/** One stream. */
export class MemoryStream {
  /** The stored messages. */
  readonly messages: StoredMessage[] = [];
  /** The stored messages of each agency. */
  readonly #ofAgency = new Map<number, StoredMessage[]>();
  readonly #cluster: MemoryCluster;
  /** By agency, in the order in which they were proposed. */
  readonly #proposals = new Map<number, Proposal>();
  readonly #listeners = new Set<(message: StoredMessage) => void>();
  #isLed = true;
  /** By how much each commit is late. */
  #slownessMs = 0;
  #deposed: DeposedLeader | undefined;

  constructor(
    readonly name: string,
    cluster: MemoryCluster,
  ) {
    this.#cluster = cluster;
  }

  /** Whether the stream has a leader with a majority. */
  get isLed(): boolean {
    return this.#isLed;
  }

  /** Whether a deposed leader still believes that it leads. */
  get hasDeposedLeader(): boolean {
    return this.#deposed !== undefined;
  }

  /** Calls `listener` after each message that is stored. Returns what ends that. */
  onStored(listener: (message: StoredMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes a publish that has arrived at the leader. The stream must have one. */
  receive(publish: Publish): void {
    const { agency, answer } = publish;
    const { commitMsMax, random, timers, without } = this.#cluster;
    if (without === "condition") return this.#store(publish);
    const isInProcess = this.#proposals.has(agency);
    if (isInProcess || !this.#isExpected(publish)) return answer({ status: "mismatch" });
    const cancel = timers.after(random.below(commitMsMax) + this.#slownessMs, () => {
      this.#proposals.delete(agency);
      this.#store(publish);
    });
    this.#proposals.set(agency, { ...publish, cancel });
    // The sequence is a guess: it is what no leader can know yet.
    if (without === "majority") {
      answer({ status: "stored", sequence: this.messages.length + this.#proposals.size });
    }
  }

  /**
   * Takes a publish that has arrived at a deposed leader. It may be refused there, but is never stored.
   */
  receiveDeposed(publish: Publish): void {
    if (!this.#isExpected(publish, "deposed")) publish.answer({ status: "mismatch" });
  }

  /**
   * Leaves the stream without a leader for some time. Of what the old leader had proposed, the new one has
   * a first part, and stores it before anything else.
   */
  elect(timeMs: number): void {
    if (!this.#isLed) return;
    const { random, timers } = this.#cluster;
    this.#isLed = false;
    const deposed = this.#deposed = { messages: this.messages.length };
    const proposals = [...this.#proposals.values()];
    for (const { cancel } of proposals) cancel();
    const inherited = proposals.slice(0, random.below(proposals.length + 1));
    timers.after(timeMs, () => {
      this.#proposals.clear();
      this.#isLed = true;
      for (const proposal of inherited) this.#store(proposal);
    });
    timers.after(timeMs + random.below(DEPOSED_MS_MAX), () => {
      if (this.#deposed === deposed) this.#deposed = undefined;
    });
  }

  /** Delays by `delayMs` what is proposed from now on for some time, as followers with busy disks do. */
  slowDown(delayMs: number, timeMs: number): void {
    this.#slownessMs = delayMs;
    this.#cluster.timers.after(timeMs, () => this.#slownessMs = 0);
  }

  /** Returns the last message of an agency, in the newest state or in that of a deposed leader. */
  last(agency: number, state: State = "newest"): StoredMessage | undefined {
    const length = this.#length(state);
    return this.#ofAgency.get(agency)?.findLast(({ sequence }) => sequence <= length);
  }

  /** Returns the first message of an agency after a sequence, accordingly. */
  after(agency: number, sequence: number, state: State = "newest"): StoredMessage | undefined {
    const length = this.#length(state);
    const next = this.#ofAgency.get(agency)?.find((message) => message.sequence > sequence);
    return next !== undefined && next.sequence <= length ? next : undefined;
  }

  #length(state: State): number {
    return state === "deposed" && this.#deposed !== undefined
      ? this.#deposed.messages
      : this.messages.length;
  }

  #isExpected({ agency, expectedSequence }: Publish, state: State = "newest"): boolean {
    return (this.last(agency, state)?.sequence ?? 0) === expectedSequence;
  }

  #store(publish: Publish): void {
    const { agency, message, answer } = publish;
    if (this.#cluster.without !== "condition" && !this.#isExpected(publish)) {
      return answer({ status: "mismatch" });
    }
    const sequence = this.messages.length + 1;
    const stored = { ...message, agency, sequence, stream: this.name };
    this.messages.push(stored);
    const ofAgency = this.#ofAgency.get(agency);
    if (ofAgency === undefined) this.#ofAgency.set(agency, [stored]);
    else ofAgency.push(stored);
    answer({ status: "stored", sequence });
    for (const listener of this.#listeners) listener(stored);
  }
}
