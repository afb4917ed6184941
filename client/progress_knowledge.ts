/**
 * What a client knows about its agency's progress: whether the servers count the agency's bets and can compare
 * them, how many bets are stored, and whether the agency has closed. Nothing else in the client remembers any
 * of this.
 *
 * ```
 *           counted()
 * unknown ─────────────────────▶ counting, open ── agencyClosed() ──▶ counting, closed
 *    │
 *    │ connectionFailed()
 *    └─────────────────────────▶ legacy, open ──── agencyClosed() ──▶ legacy, closed
 *      where the settings allow
 *      it, when too many in a row
 *      were closed
 * ```
 *
 * @module
 */

import type { BetsDigest } from "../shared/mod.ts";
import type { ConnectionFailure } from "./connection.ts";

/** Connections in a row, each closed instead of a ProgressResponse, after which the servers are `legacy`. */
const CLOSED_CONNECTIONS_MAX = 8;
/** Connections closed in a row after which the next ones are suspect. */
const CLOSED_CONNECTIONS_SUSPECT = 2;
/** Refused DigestRequests in a row after which the servers do not know the packet. */
const REFUSED_DIGESTS_MAX = 3;

/** The servers refuse a request, or hold other bets than the agency has sent. */
export class RefusedError extends Error {
  override name = "RefusedError";
}

/** Options of {@linkcode ProgressKnowledge}. */
export interface ProgressKnowledgeOptions {
  /** Number of the agency, for messages. */
  agency: number;
  /** Whether the servers may turn out to be `legacy`. */
  mayBeLegacy: boolean;
}

/** Where the agency's bets come from. */
export interface BetsSource {
  /** The name of the file, for messages. */
  name: string;
  /** The number of its bets. */
  total: number;
}

interface KnownState {
  servers: "counting" | "legacy";
  phase: "open" | "closed";
  stored: number;
}

type State = { servers: "unknown"; closedConnections: number } | KnownState;

/**
 * The state machine of an agency's progress. Events are methods in the past tense; `require…` methods only
 * check.
 */
export class ProgressKnowledge {
  readonly #options: ProgressKnowledgeOptions;
  #state: State = { servers: "unknown", closedConnections: 0 };
  #refusedDigests = 0;
  #file: BetsSource = { name: "FILE", total: Infinity };

  constructor(options: ProgressKnowledgeOptions) {
    this.#options = options;
  }

  /**
   * What the servers do with a ProgressRequest.
   *
   * - `unknown`: no server has answered one yet.
   * - `counting`: they answer. After a failure, sending resumes after the bets that they count.
   * - `legacy`: they do not know the request, and take one packet per connection. A lost answer leaves it unknown
   *   whether its bets are stored. Servers are considered legacy ones only where the settings allow it, because a
   *   load balancer whose servers restart closes connections in the same way.
   */
  get servers(): State["servers"] {
    return this.#state.servers;
  }

  /** Whether the servers know that the agency has closed. */
  get isClosed(): boolean {
    return this.#state.servers !== "unknown" && this.#state.phase === "closed";
  }

  /** Stored bets of the agency, as last counted; with `legacy` servers, as acknowledged to this client. */
  get stored(): number {
    return this.#known().stored;
  }

  /**
   * Whether the next connection must stay open for a while before it is used: a load balancer without a
   * server closes at once, and must not be mistaken for a `legacy` server.
   */
  get isNextSuspect(): boolean {
    const state = this.#state;
    return this.#options.mayBeLegacy && state.servers === "unknown" &&
      state.closedConnections >= CLOSED_CONNECTIONS_SUSPECT;
  }

  /** Whether servers can report which bets are stored, as far as is known. */
  get canDigest(): boolean {
    return this.#state.servers === "counting" && this.#refusedDigests < REFUSED_DIGESTS_MAX;
  }

  /** The agency sends the bets of a file, and no others. */
  fileOpened(file: BetsSource): void {
    this.#file = file;
  }

  /** The servers count `stored` bets of the agency. Sending starts after them. */
  counted(stored: number): void {
    const phase = this.isClosed ? "closed" : "open";
    this.#state = { servers: "counting", phase, stored };
  }

  /**
   * A connection failed. Matters only while the servers are `unknown`.
   *
   * @returns What the servers are known to be now.
   */
  connectionFailed(failure: ConnectionFailure): State["servers"] {
    if (this.#state.servers === "unknown" && this.#options.mayBeLegacy) {
      const closedConnections = failure === "closed" ? this.#state.closedConnections + 1 : 0;
      this.#state = closedConnections < CLOSED_CONNECTIONS_MAX
        ? { servers: "unknown", closedConnections }
        : { servers: "legacy", phase: "open", stored: 0 };
    }
    return this.#state.servers;
  }

  /** A server answered a DigestRequest. */
  digestAnswered(): void {
    this.#refusedDigests = 0;
  }

  /**
   * A working server closed the connection instead of answering a DigestRequest.
   *
   * @returns Whether the servers are known now not to answer that packet.
   */
  digestRefused(): boolean {
    return ++this.#refusedDigests >= REFUSED_DIGESTS_MAX;
  }

  /** The servers acknowledged `bets` more bets. */
  acknowledged(bets: number): void {
    this.#known().stored += bets;
  }

  /**
   * The servers counted the agency's bets again, while the outcome of `pending` bets was unknown.
   *
   * @returns How many of the pending bets are stored.
   * @throws {RefusedError} If stored bets are lost, or bets are stored that this client did not send.
   */
  recounted(stored: number, pending: number): number {
    const known = this.#known();
    const before = known.stored;
    this.requireNoneLost(stored);
    this.requireNoneForeign(stored, before + pending);
    known.stored = stored;
    return stored - before;
  }

  /** The servers know that the agency has closed. */
  agencyClosed(): void {
    this.#known().phase = "closed";
  }

  /** @throws {RefusedError} If the servers count fewer bets than before. */
  requireNoneLost(stored: number): void {
    const before = this.#known().stored;
    if (stored >= before) return;
    throw new RefusedError(
      `Cannot continue: the servers had stored ${before} bets of agency ${this.#options.agency} and now have ` +
        `${stored}: bets are lost; examine bets.csv on the servers' volume`,
    );
  }

  /** @throws {RefusedError} If the servers count more bets than the `sent` ones. */
  requireNoneForeign(stored: number, sent = this.#file.total): void {
    if (stored <= sent) return;
    throw new RefusedError(
      `Cannot continue: the servers have ${stored} bets of agency ${this.#options.agency}, but only ${sent} ` +
        "came from this file: the rest is from another file, or another program sends for this agency: " +
        this.#advice(),
    );
  }

  /**
   * Compares what the servers hold with the file's first bets.
   *
   * @param own The digest of as many bets of the file.
   * @throws {RefusedError} If they differ.
   */
  requireSame({ bets, sha256 }: BetsDigest, own: string): void {
    if (sha256 === own) return;
    const { name, total } = this.#file;
    throw new RefusedError(
      `Cannot continue: the servers hold other bets of agency ${this.#options.agency} than ${name}: they have ` +
        `${bets} and the file has ${total}, and the first ${bets} of both differ. The file has changed since it ` +
        `was sent, or another file or program sent bets for this agency: ${this.#advice()}`,
    );
  }

  #advice(): string {
    const { name } = this.#file;
    const word = /^[\w./-]+$/.test(name) ? name : JSON.stringify(name);
    return `./denow task check --data ${word} names the first row that differs`;
  }

  #known(): KnownState {
    if (this.#state.servers !== "unknown") return this.#state;
    throw new Error("Cannot use an agency's progress before the servers were asked for it");
  }
}
