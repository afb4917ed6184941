/**
 * What a client knows about its agency's progress: whether the servers count the agency's bets, how many bets
 * are stored, and whether the agency has closed. Nothing else in the client remembers any of this.
 *
 * ```
 *           counted()
 * unknown ─────────────────────▶ counting, open ── agencyClosed() ──▶ counting, closed
 *    │
 *    │ connectionFailed()
 *    └─────────────────────────▶ legacy, open ──── agencyClosed() ──▶ legacy, closed
 *      when too many in a row
 *      were closed
 * ```
 *
 * @module
 */

import type { ConnectionFailure } from "./connection.ts";

/** Connections in a row, each closed instead of a ProgressResponse, after which the servers are `legacy`. */
const CLOSED_CONNECTIONS_MAX = 8;
/** Connections closed in a row after which the next ones are suspect. */
const CLOSED_CONNECTIONS_SUSPECT = 2;

/** The servers refuse a request, or hold other bets than the agency has sent. */
export class RefusedError extends Error {
  override name = "RefusedError";
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
  readonly #agency: number;
  #state: State = { servers: "unknown", closedConnections: 0 };

  /** @param agency Number of the agency, for messages. */
  constructor(agency: number) {
    this.#agency = agency;
  }

  /**
   * What the servers do with a ProgressRequest.
   *
   * - `unknown`: no server has answered one yet.
   * - `counting`: they answer. After a failure, sending resumes after the bets that they count.
   * - `legacy`: they do not know the request, and take one packet per connection. A lost answer leaves it
   *   unknown whether its bets are stored.
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
    return state.servers === "unknown" && state.closedConnections >= CLOSED_CONNECTIONS_SUSPECT;
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
    if (this.#state.servers === "unknown") {
      const closedConnections = failure === "closed" ? this.#state.closedConnections + 1 : 0;
      this.#state = closedConnections < CLOSED_CONNECTIONS_MAX
        ? { servers: "unknown", closedConnections }
        : { servers: "legacy", phase: "open", stored: 0 };
    }
    return this.#state.servers;
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
      `Cannot continue: the servers had stored ${before} bets of agency ${this.#agency} and now have ` +
        `${stored}: bets are lost; examine bets.csv on the servers' volume`,
    );
  }

  /** @throws {RefusedError} If the servers count more bets than the `sent` ones. */
  requireNoneForeign(stored: number, sent: number): void {
    if (stored <= sent) return;
    throw new RefusedError(
      `Cannot continue: the servers have ${stored} bets of agency ${this.#agency}, but only ${sent} came ` +
        "from this file: the rest is from another file, or another program sends for this agency",
    );
  }

  #known(): KnownState {
    if (this.#state.servers !== "unknown") return this.#state;
    throw new Error("Cannot use an agency's progress before the servers were asked for it");
  }
}
