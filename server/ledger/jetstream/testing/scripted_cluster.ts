/**
 * A replicated log that does what a test tells it: for sequences of events that chance rarely brings about.
 *
 * @module
 */

import { ReplicatedLedger } from "../replicated_ledger.ts";
import type {
  LogMessage,
  MessageListener,
  PublishResult,
  ReplicatedLog,
  StoredMessage,
} from "../replicated_log.ts";

/** The agencies of the lotteries under test. */
export const AGENCIES = 3;
/** Long enough for all that a test lets happen; a test that waits for a deadline sets its own. */
const DEADLINE_MS = 5000;

/** What becomes of one publish. */
export type Fate =
  | "arrives"
  /** It never reaches the leader. */
  | "lost"
  /** It is stored, if it may be, but the answer is lost. */
  | "answer lost"
  /** It reaches the leader only when the test says so, and its answer is lost. */
  | "late"
  /** The leader refuses it, as it does while another publish of the agency is in process. */
  | "mismatch";

/** A cluster with one stream. */
export class ScriptedCluster {
  readonly messages: StoredMessage[] = [];
  /** Publishes that are late. */
  readonly #late: (() => void)[] = [];
  readonly #followers = new Set<() => void>();

  /** The stored messages of an agency. */
  of(agency: number): StoredMessage[] {
    return this.messages.filter((message) => message.agency === agency);
  }

  /** The kinds of an agency's messages, in their order. */
  kinds(agency: number): string {
    return this.of(agency).map(({ kind }) => kind).join(" ");
  }

  /** Lets every late publish reach the leader now. */
  deliverLate(): void {
    for (const deliver of this.#late.splice(0)) deliver();
  }

  /** Keeps a publish for {@linkcode deliverLate}. */
  keepLate(deliver: () => void): void {
    this.#late.push(deliver);
  }

  /** Stores a message if the agency's last one has the expected sequence. */
  store(agency: number, message: LogMessage, expectedSequence: number): PublishResult {
    if ((this.of(agency).at(-1)?.sequence ?? 0) !== expectedSequence) return { status: "mismatch" };
    const sequence = this.messages.length + 1;
    this.messages.push({ ...message, agency, sequence, stream: "SCRIPTED" });
    for (const deliver of this.#followers) deliver();
    return { status: "stored", sequence };
  }

  /** Calls `deliver` after each stored message. Returns what ends that. */
  onStored(deliver: () => void): () => void {
    this.#followers.add(deliver);
    return () => this.#followers.delete(deliver);
  }
}

/** One server's way to the cluster. */
export class ScriptedLog implements ReplicatedLog {
  /** What becomes of the next publishes; later ones arrive. */
  fates: Fate[] = [];
  /** What becomes of publishes that have no entry in {@linkcode fates}. */
  usualFate: Fate = "arrives";
  /** How many messages of the cluster reads see: all of them, unless they are stale. */
  readable = Infinity;
  /** Whether reads fail. */
  isDeaf = false;
  /** Publishes wait for it before they reach the cluster. */
  gate: Promise<void> | undefined;
  /** Called before each read. */
  onRead: () => void = () => {};
  /** Every publish of this server. */
  readonly published: LogMessage[] = [];
  readonly failed = new Promise<Error>(() => {});
  readonly isAvailable = true;
  readonly #cluster: ScriptedCluster;
  #listener: MessageListener = () => {};
  #delivered = 0;
  #isHeld = false;
  #stop = () => {};

  constructor(cluster: ScriptedCluster) {
    this.#cluster = cluster;
  }

  async publish(
    agency: number,
    message: LogMessage,
    expectedSequence: number,
  ): Promise<PublishResult> {
    this.published.push(message);
    await this.gate;
    const store = () => this.#cluster.store(agency, message, expectedSequence);
    const unknown: PublishResult = { status: "unknown", reason: "no answer" };
    switch (this.fates.shift() ?? this.usualFate) {
      case "arrives":
        return store();
      case "mismatch":
        return { status: "mismatch" };
      case "answer lost":
        store();
        return unknown;
      case "late":
        this.#cluster.keepLate(store);
        return unknown;
      case "lost":
        return unknown;
    }
  }

  async last(agency: number): Promise<StoredMessage | undefined> {
    return (await this.#read(agency)).at(-1);
  }

  async after(agency: number, sequence: number): Promise<StoredMessage | undefined> {
    return (await this.#read(agency)).find((message) => message.sequence > sequence);
  }

  follow(listener: MessageListener): AsyncDisposable {
    this.#listener = listener;
    this.#stop = this.#cluster.onStored(() => this.#deliver());
    this.#deliver();
    return { [Symbol.asyncDispose]: () => Promise.resolve(this.#stop()) };
  }

  /** Delivers nothing to the follower until {@linkcode release}. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Delivers again, at first only this many messages. */
  release(count = Infinity): void {
    this.#isHeld = false;
    this.#deliver(count);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #deliver(count = Infinity): void {
    if (this.#isHeld) return;
    const messages = this.#cluster.messages.slice(this.#delivered, this.#delivered + count);
    this.#delivered += messages.length;
    void this.#listener(messages);
  }

  #read(agency: number): Promise<StoredMessage[]> {
    this.onRead();
    if (this.isDeaf) return Promise.reject(new Error("no leader"));
    const visible = this.#cluster.of(agency).filter(({ sequence }) => sequence <= this.readable);
    return Promise.resolve(visible);
  }
}

/** A server of a lottery under test. */
export interface ScriptedServer extends AsyncDisposable {
  ledger: ReplicatedLedger;
  log: ScriptedLog;
}

/** Opens the ledger as one more server of a cluster. */
export function openScripted(
  cluster: ScriptedCluster,
  { deadlineMs = DEADLINE_MS, isHeld = false, publishesAtOnce = Infinity } = {},
): ScriptedServer {
  const log = new ScriptedLog(cluster);
  if (isHeld) log.hold();
  const draw = {
    id: "5e1f0f6e-4c0a-4a8e-9c3b-2f6f0a3a9d11",
    createdAt: "2026-11-23T10:00:00.000Z",
  };
  const lottery = { ...draw, agencies: AGENCIES, winningNumber: 7574 };
  const ledger = new ReplicatedLedger(log, { ...lottery, deadlineMs, pauseMs: 1, publishesAtOnce });
  return { ledger, log, [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose]() };
}
