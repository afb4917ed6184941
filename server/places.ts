/**
 * The places of a server: who is served, and who makes room for others.
 *
 * @module
 */

import { AddressGroups, type Grouped } from "./address_groups.ts";
import type { Session } from "./session.ts";

/** How long a connection keeps its place at least, unless its address has more than its share. */
export const TURN_MS = 1000;
/** The same while many connections need a place. */
export const CROWDED_TURN_MS = 250;
/** Many are more than this fraction of the places. They would have to wait for this fraction of a turn. */
const MANY = 1 / 4;
/** Turns end in portions. There are this many in the length of a turn. */
const PORTIONS = 20;

/** The part of a session that places need. */
export type PlacedSession = Pick<Session, "abort" | "activeAt" | "activity" | "leave">;

/** A connection that has a session. */
export interface Visit extends Grouped {
  readonly session: PlacedSession;
  /** When it got its place. */
  placedAt: number;
}

/** Options of {@linkcode Places}. */
export interface PlacesOptions {
  /** How many there are. */
  connectionsMax: number;
  /** How many an address may have while another one needs them. */
  connectionsPerAddressMax: number;
  /** A monotonic clock, in milliseconds. */
  now: () => number;
}

/**
 * Places, each of a connection that is served. When all are taken, connections make room:
 *
 * - An address that has more than its share has to give up a place at once to an address that has less than its
 *   share.
 * - Otherwise turns end: of the address that has most places, or else of the newcomer's own, the connection that
 *   has rested longest ends, unless it got its place less than a second ago, or less than a quarter of one if many
 *   connections need a place. Where none rests, one ends after its next answer.
 *
 * With one place, connections are served one after the other, each to its end.
 */
export class Places {
  readonly #options: PlacesOptions;
  readonly #taken = new AddressGroups<Visit>();
  /** Those of them that end after their next answer. */
  readonly #leaving = new Set<Visit>();
  /**
   * Turns that may still end in this portion. Without portions, peers that reconnect at once would end all turns
   * together, and everybody would then wait for the end of the next ones.
   */
  #turnsLeft = 0;
  #portion = -1;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Whether a connection can be served without another one making room. */
  get hasFree(): boolean {
    return this.#taken.size < this.#options.connectionsMax;
  }

  /** The connections that have a place. */
  [Symbol.iterator](): Iterator<Visit> {
    return this.#taken[Symbol.iterator]();
  }

  /** Counts the places of an address. */
  count(source: string): number {
    return this.#taken.count(source);
  }

  /** Returns the addresses that have most places. */
  largest(): string[] {
    return this.#taken.largest();
  }

  /** Gives a connection a place. There may be more than allowed, when many stop waiting for the draw at once. */
  give(visit: Visit): void {
    visit.placedAt = this.#options.now();
    this.#taken.add(visit);
  }

  /** Takes a connection's place back, if it has one. */
  takeBack(visit: Visit): void {
    this.#taken.delete(visit);
    this.#leaving.delete(visit);
  }

  /**
   * Makes room for a connection from an address.
   *
   * @param newcomers How many connections need a place. As many may be leaving.
   * @returns Whether a connection makes room. It may do so later.
   */
  makeRoomFor(source: string, newcomers: number): boolean {
    const share = this.#options.connectionsPerAddressMax;
    const largest = this.#taken.largest();
    const isRecall = this.count(largest[0]) > share && this.count(source) < share;
    if (isRecall) return this.#recall(largest, newcomers);
    return this.#options.connectionsMax > 1 &&
      (this.endTurn(largest, newcomers) || this.endTurn([source], newcomers));
  }

  /** Ends the turn of a connection from one of some addresses. Returns whether one makes room. */
  endTurn(sources: string[], newcomers = 1): boolean {
    const { connectionsMax, now } = this.#options;
    const turnMs = newcomers > MANY * connectionsMax ? CROWDED_TURN_MS : TURN_MS;
    if (!this.#mayEndTurn(turnMs)) return false;
    const before = now() - turnMs;
    const visit = this.#first(
      sources,
      (visit) =>
        visit.placedAt <= before && visit.session.activity !== "writing" &&
        !this.#leaving.has(visit),
    );
    if (visit === undefined) return false;
    const isEnded = visit.session.activity === "resting"
      ? this.#end(visit)
      : this.#letLeave(visit, newcomers);
    if (isEnded) this.#turnsLeft--;
    return isEnded;
  }

  #recall(sources: string[], newcomers: number): boolean {
    const visit = this.#first(
      sources,
      (visit) => !this.#leaving.has(visit) || !this.#isBusy(visit),
    );
    if (visit === undefined) return false;
    return this.#isBusy(visit) ? this.#letLeave(visit, newcomers) : this.#end(visit);
  }

  #end(visit: Visit): boolean {
    visit.session.abort();
    this.takeBack(visit);
    return true;
  }

  #letLeave(visit: Visit, newcomers: number): boolean {
    if (this.#leaving.size >= newcomers) return false;
    visit.session.leave();
    this.#leaving.add(visit);
    return true;
  }

  #mayEndTurn(turnMs: number): boolean {
    const { connectionsMax, now } = this.#options;
    const portion = Math.floor(now() * PORTIONS / turnMs);
    if (portion !== this.#portion) this.#turnsLeft = Math.ceil(connectionsMax / PORTIONS);
    this.#portion = portion;
    return this.#turnsLeft > 0;
  }

  /** Returns the connection that makes room first, of those that can. */
  #first(sources: string[], canLeave: (visit: Visit) => boolean): Visit | undefined {
    let first: Visit | undefined;
    for (const source of sources) {
      for (const visit of this.#taken.of(source)) {
        if (canLeave(visit) && (first === undefined || this.#isBefore(visit, first))) first = visit;
      }
    }
    return first;
  }

  #isBefore(one: Visit, other: Visit): boolean {
    const difference = this.#rank(one) - this.#rank(other);
    return difference < 0 || difference === 0 && one.session.activeAt < other.session.activeAt;
  }

  #rank(visit: Visit): number {
    if (this.#isBusy(visit)) return 3;
    return { resting: 0, reading: 1, writing: 2, working: 3 }[visit.session.activity];
  }

  /** Whether the answer to a packet is under way, and its peer does not stall it. */
  #isBusy({ session: { activity, activeAt } }: Visit): boolean {
    if (activity === "writing") return activeAt > this.#options.now() - TURN_MS;
    return activity === "working";
  }
}
