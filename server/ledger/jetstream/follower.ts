/**
 * What a server knows from following all streams of a draw: the bets of each agency, who has closed, the
 * winners, and a running digest of each agency's rows. It judges what it reads: a message that no server can
 * have written means that the stream is damaged.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import type { BetsDigest } from "../../../shared/mod.ts";
import { DamagedRowError, Tally, type Winners } from "../tally.ts";
import { InvalidMessageError } from "./messages.ts";
import type { StoredMessage } from "./replicated_log.ts";

/** A caller that waits until the follower has read far enough. */
interface Waiter {
  isReached: () => boolean;
  wake: () => void;
}

/** Counts the messages of all agencies. Its memory grows with agencies and winners, not with bets. */
export class Follower {
  readonly #agencies: number;
  readonly #tally: Tally;
  readonly #closed = new Set<number>();
  readonly #digests = new Map<number, Hash>();
  #waiters: Waiter[] = [];

  constructor({ agencies, winningNumber }: { agencies: number; winningNumber: number }) {
    this.#agencies = agencies;
    this.#tally = new Tally(winningNumber);
  }

  /**
   * Takes the next messages of a stream.
   *
   * @throws {InvalidMessageError} If one of them cannot be in its place.
   */
  take(messages: readonly StoredMessage[]): void {
    for (const message of messages) this.#take(message);
    if (this.#waiters.length > 0) this.#wakeWaiters();
  }

  /** Whether every agency has closed. */
  get isComplete(): boolean {
    return this.#closed.size === this.#agencies;
  }

  /** The number of an agency's bets so far. */
  count(agency: number): number {
    return this.#tally.count(agency);
  }

  /** Whether an agency has closed. */
  isClosed(agency: number): boolean {
    return this.#closed.has(agency);
  }

  /** The winners so far. */
  winners(): Winners {
    return this.#tally.winners();
  }

  /** The number of an agency's bets so far, and their digest. */
  digest(agency: number): BetsDigest {
    const sha256 = (this.#digests.get(agency) ?? createHash("sha256")).copy().digest("hex");
    return { bets: this.#tally.count(agency), sha256 };
  }

  /** Resolves when an agency has at least this many bets. */
  hasCounted(agency: number, bets: number): Promise<void> {
    return this.#reached(() => this.#tally.count(agency) >= bets);
  }

  /** Resolves when every agency has closed. */
  isDone(): Promise<void> {
    return this.#reached(() => this.isComplete);
  }

  #reached(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve();
    return new Promise((wake) => this.#waiters.push({ isReached, wake }));
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (waiter.isReached()) waiter.wake();
      else this.#waiters.push(waiter);
    }
  }

  #take(message: StoredMessage): void {
    const { agency, kind, bets, rows } = message;
    if (agency > this.#agencies) {
      throw new InvalidMessageError(message, `there is no agency ${agency}`);
    }
    if (this.#closed.has(agency)) {
      throw new InvalidMessageError(message, `agency ${agency} has closed before it`);
    }
    if (kind === "bets") this.#count(message, rows);
    const counted = this.#tally.count(agency);
    if (counted !== bets) {
      const reason = `agency ${agency} has ${counted} bets up to it, but it says ${bets}`;
      throw new InvalidMessageError(message, reason);
    }
    if (kind === "close") this.#closed.add(agency);
  }

  #count(message: StoredMessage, rows: Uint8Array): void {
    try {
      this.#tally.scan(rows);
    } catch (error) {
      if (!(error instanceof DamagedRowError)) throw error;
      throw new InvalidMessageError(message, `a row is not a valid bet: ${error.rule}`);
    }
    let digest = this.#digests.get(message.agency);
    if (digest === undefined) this.#digests.set(message.agency, digest = createHash("sha256"));
    digest.update(rows);
  }
}
