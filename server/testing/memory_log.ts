/**
 * A client of the cluster in memory.
 *
 * @module
 */

import type {
  LogMessage,
  MessageListener,
  PublishResult,
  ReplicatedLog,
  StoredMessage,
} from "../ledger/jetstream/replicated_log.ts";
import type { Fate, MemoryCluster, Transit } from "./memory_cluster.ts";
import { MemoryFollow } from "./memory_follow.ts";
import type { MemoryStream, Publish, PublishAnswer, State } from "./memory_stream.ts";
import { Timers } from "./timers.ts";

/** While there is a deposed leader, one in this many messages goes to it. */
const MISLED_EVERY = 3;
/** While there is no leader, one in this many publishes waits for one. */
const KEPT_EVERY = 4;

/** Options of {@linkcode MemoryLog}. */
export interface MemoryLogOptions {
  /** How long a publish waits for its answer. @default {2000} */
  attemptMs?: number;
  /** How long a read waits for its answer. @default {2000} */
  readMs?: number;
  /** Longest time until a stored message reaches the follower. @default {3} */
  lagMsMax?: number;
}

/** One client, with a connection of its own. */
export class MemoryLog implements ReplicatedLog {
  /** No draw follows on this one. */
  readonly failed: Promise<Error> = new Promise(() => {});
  readonly #cluster: MemoryCluster;
  readonly #options: Required<MemoryLogOptions>;
  readonly #timers = new Timers();
  readonly #follows = new Set<MemoryFollow>();
  /** Ends what waits for an answer. */
  readonly #giveUp = new Set<() => void>();
  #isCut = false;
  #isGone = false;

  constructor(cluster: MemoryCluster, options: MemoryLogOptions) {
    this.#cluster = cluster;
    this.#options = { attemptMs: 2000, readMs: 2000, lagMsMax: 3, ...options };
  }

  get isAvailable(): boolean {
    return !this.#isCut && !this.#isGone && this.#cluster.streams.every(({ isLed }) => isLed);
  }

  publish(
    agency: number,
    message: LogMessage,
    expectedSequence: number,
  ): Promise<PublishResult> {
    // The network takes the bytes as they are now.
    const sent = { ...message, rows: message.rows.slice() };
    return new Promise((resolve) => {
      const { give, fail } = this.#await<PublishResult>(
        resolve,
        (reason) => resolve({ status: "unknown", reason }),
        this.#options.attemptMs,
      );
      const answer = (answer: PublishAnswer) => this.#send("publish answer", () => give(answer));
      const publish = { agency, message: sent, expectedSequence, answer };
      this.#send("publish", () => this.#arrive(publish, fail));
    });
  }

  last(agency: number): Promise<StoredMessage | undefined> {
    return this.#read(agency, (stream, state) => stream.last(agency, state));
  }

  after(agency: number, sequence: number): Promise<StoredMessage | undefined> {
    return this.#read(agency, (stream, state) => stream.after(agency, sequence, state));
  }

  follow(listener: MessageListener): AsyncDisposable {
    const follow = new MemoryFollow(this.#cluster, listener, this.#options.lagMsMax);
    this.#follows.add(follow);
    if (this.#isCut) follow.pause();
    return follow;
  }

  /** Cuts the client off for some time. What it sends is lost, or arrives after that. */
  cut(timeMs: number): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const follow of this.#follows) follow.pause();
    this.#timers.after(timeMs, () => {
      this.#isCut = false;
      for (const follow of this.#follows) follow.resume();
    });
  }

  /** Ends the client as if its process were killed. What it has sent may still arrive. */
  kill(): void {
    this.#isGone = true;
    for (const follow of this.#follows) follow.stop();
    for (const giveUp of [...this.#giveUp]) giveUp();
    this.#timers[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#follows].map((follow) => follow[Symbol.asyncDispose]()));
    this.kill();
  }

  /** Takes a publish to whoever leads, or believes so. */
  #arrive(publish: Publish, fail: (reason: string) => void): void {
    const { random, timers } = this.#cluster;
    const stream = this.#cluster.streamOf(publish.agency);
    const isMisled = stream.hasDeposedLeader && random.once(MISLED_EVERY);
    if (isMisled) stream.receiveDeposed(publish);
    else if (stream.isLed) stream.receive(publish);
    // A node may keep what it cannot forward yet.
    else if (random.once(KEPT_EVERY)) {
      timers.after(random.below(this.#cluster.lateMsMax), () => this.#arrive(publish, fail));
    } else this.#send("publish answer", () => fail("there is no leader"));
  }

  #read<Result>(agency: number, read: (stream: MemoryStream, state: State) => Result) {
    return new Promise<Result>((resolve, reject) => {
      const { give, fail } = this.#await<Result>(
        resolve,
        (reason) => reject(new Error(`Cannot read the log: ${reason}`)),
        this.#options.readMs,
      );
      this.#send("read", () => {
        const stream = this.#cluster.streamOf(agency);
        const isStale = stream.hasDeposedLeader && this.#cluster.random.once(MISLED_EVERY);
        if (!stream.isLed && !isStale) {
          return this.#send("read answer", () => fail("there is no leader"));
        }
        const result = read(stream, isStale ? "deposed" : "newest");
        this.#send("read answer", () => give(result));
      });
    });
  }

  /** Limits the wait for an answer. Whichever of the functions is called first ends it. */
  #await<Result>(
    resolve: (result: Result) => void,
    unknown: (reason: string) => void,
    timeoutMs: number,
  ): {
    give: (result: Result) => void;
    fail: (reason: string) => void;
  } {
    const end = (how: () => void) => {
      cancel();
      this.#giveUp.delete(close);
      how();
    };
    const fail = (reason: string) => end(() => unknown(reason));
    const close = () => fail("the connection is closed");
    const cancel = this.#timers.after(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`));
    this.#giveUp.add(close);
    if (this.#isGone) close();
    return { give: (result) => end(() => resolve(result)), fail };
  }

  /** Lets a message travel between the client and the cluster. */
  #send(kind: Transit["kind"], arrive: () => void): void {
    if (this.#isGone && !isAnswer(kind)) return;
    const fate = this.#fateOf(kind);
    if (fate === "lost") return;
    const { lateMsMax, random, timers, transitMsMax } = this.#cluster;
    timers.after(random.below(fate === "late" ? lateMsMax : transitMsMax), arrive);
  }

  #fateOf(kind: Transit["kind"]): Fate {
    const { fate, random } = this.#cluster;
    if (!this.#isCut) return fate({ kind, client: this });
    return isAnswer(kind) || random.once(2) ? "lost" : "late";
  }
}

function isAnswer(kind: Transit["kind"]): boolean {
  return kind === "publish answer" || kind === "read answer";
}
