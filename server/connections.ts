/**
 * The connections of a server: which are served, which wait for a place, and which have to end.
 *
 * A connection needs a place while it is served. It needs none while it waits for the draw, nor while it
 * lingers. When all places are taken, an accepted connection waits for one, and others make room for it:
 *
 * - An address that has more places than its share gives one up at once to an address that has fewer.
 * - Otherwise, of the address that has most places, or of the waiting connection's own address, the connection
 *   that has rested longest gives up its place; a busy one after its answer. Each has its place for a second
 *   before.
 * - A connection that keeps the server waiting, within a packet or with an answer, ends after a shorter time.
 *
 * So a connection ends between two packets unless its address has more than its share, and its agency
 * continues on a new one.
 *
 * @module
 */

import { AddressGroups } from "./address_groups.ts";
import { isWithin } from "./ipv4_ranges.ts";
import { Session, type SessionContext } from "./session.ts";
import type { ServerSettings } from "./settings.ts";
import { SummedWarnings } from "./summed_warnings.ts";

/** How long a connection keeps its place at least, unless its address has more than its share. */
const TURN_MS = 1000;
/** Pause before the next search for a connection that can make room. */
const SEARCH_PAUSE_MS = 50;
/** Connections that may linger at a time. One more ends the eldest. */
const LINGERING_MAX = 64;
/** How long sessions may take to answer their current packet after the server begins to stop. */
const STOP_PATIENCE_MS = 1500;

/** A connection that has no session yet. */
interface Arrival {
  readonly connection: Deno.TcpConn;
  /** Address and port of the peer. */
  readonly peer: string;
  readonly source: string;
}

/** A connection that has a session. */
interface Visit {
  readonly session: Session;
  readonly source: string;
  /** When it got its place. */
  placedAt: number;
}

/** Options of {@linkcode Connections}. */
export interface ConnectionsOptions {
  settings: ServerSettings;
  warnings: SummedWarnings;
  /** What the sessions need. */
  context: Omit<SessionContext, "onWaiting" | "onLinger">;
}

/** All connections of a server. */
export class Connections {
  readonly #settings: ServerSettings;
  readonly #warnings: SummedWarnings;
  readonly #context: SessionContext;
  readonly #visits = new Map<Session, { visit: Visit; ended: Promise<void> }>();
  /** Those that wait for a place. */
  readonly #arrivals = new AddressGroups<Arrival>();
  /** Those that have a place. */
  readonly #served = new AddressGroups<Visit>();
  /** Of those, the ones that end after their current answer. */
  readonly #leaving = new Set<Visit>();
  /** Those that wait for the draw. */
  readonly #waiting = new AddressGroups<Visit>();
  /** Those whose peer has yet to take the last answer. */
  readonly #lingering = new Set<Visit>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #search: ReturnType<typeof setTimeout> | undefined;
  /** Whether the system cannot provide another connection. */
  #isShort = false;
  #isStopping = false;

  constructor({ settings, warnings, context }: ConnectionsOptions) {
    this.#settings = settings;
    this.#warnings = warnings;
    this.#context = {
      ...context,
      onWaiting: (session, isWaiting) => this.#onWaiting(session, isWaiting),
      onLinger: (session) => this.#onLinger(session),
    };
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(1000, settings.idleMs));
  }

  /** Takes a connection that was accepted: serves it now, or when there is a place. */
  add(connection: Deno.TcpConn): void {
    const { hostname, port } = connection.remoteAddr;
    const peer = `${hostname}:${port}`;
    // A trusted proxy's connections come from many agencies, so each takes a share of its own.
    const source = isWithin(this.#settings.trustedProxies, hostname) ? peer : hostname;
    this.#isShort = false;
    this.#arrivals.add({ connection, peer, source });
    this.#assignPlaces();
    if (this.#arrivals.size > this.#settings.listenBacklog) this.#turnAway();
  }

  /** Makes room after a connection could not be accepted for lack of file handles or memory. */
  relieve(): void {
    this.#isShort = true;
    const visit = this.#findRested(this.#served.largest());
    if (visit !== undefined) return this.#dismiss(visit);
    const waiting = this.#waiting.eldestOfLargest();
    const share = this.#settings.connectionsPerAddressMax;
    if (waiting !== undefined && this.#waiting.count(waiting.source) > share) {
      waiting.session.abort();
    }
  }

  /** Ends all connections: those that are working, after their answer. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#sweep);
    clearTimeout(this.#search);
    for (const { connection } of this.#arrivals) connection.close();
    const sessions = [...this.#visits.keys()];
    const patience = setTimeout(() => {
      for (const session of sessions) session.abort();
    }, STOP_PATIENCE_MS);
    for (const session of sessions) session.stop();
    await Promise.all(Array.from(this.#visits.values(), ({ ended }) => ended));
    clearTimeout(patience);
  }

  /** Serves as many arrivals as there are places, and asks as many connections for theirs as arrivals are left. */
  #assignPlaces(): void {
    if (this.#isStopping) return;
    for (;;) {
      const arrival = this.#arrivals.eldestOfLeast((source) => this.#served.count(source));
      if (arrival === undefined) return;
      if (this.#served.size < this.#settings.connectionsMax) {
        this.#arrivals.delete(arrival);
        this.#serve(arrival);
        continue;
      }
      if (this.#leaving.size >= this.#arrivals.size) break;
      const visit = this.#findRoomFor(arrival.source);
      if (visit === undefined) break;
      this.#dismiss(visit);
    }
    this.#search ??= setTimeout(() => {
      this.#search = undefined;
      this.#assignPlaces();
    }, SEARCH_PAUSE_MS);
  }

  #serve({ connection, peer, source }: Arrival): void {
    try {
      connection.setNoDelay(true);
      // Finds out about a peer that vanishes while its session waits for the draw.
      connection.setKeepAlive(true);
    } catch {
      // The peer is gone already; the session finds out.
    }
    const session = new Session(connection, peer, this.#context);
    const visit = { session, source, placedAt: this.#context.now() };
    this.#served.add(visit);
    this.#visits.set(session, { visit, ended: session.run().then(() => this.#onEnd(visit)) });
  }

  /** Finds the connection that makes room for one from `source`. */
  #findRoomFor(source: string): Visit | undefined {
    const { connectionsMax, connectionsPerAddressMax: share } = this.#settings;
    const largest = this.#served.largest();
    const isOverShare = this.#served.count(largest[0]) > share;
    if (isOverShare && this.#served.count(source) < share) return this.#findRecall(largest);
    // The sequential server of the exercise: each connection is served to its end.
    if (connectionsMax === 1) return undefined;
    return this.#findRested(largest) ?? this.#findRested([source]);
  }

  /** Finds the connection of some addresses that has had its turn. */
  #findRested(sources: string[]): Visit | undefined {
    const before = this.#context.now() - TURN_MS;
    return this.#findFirst(sources, (visit) => {
      const { activity } = visit.session;
      const isWithin = activity === "reading" || activity === "writing";
      return visit.placedAt <= before && !isWithin && !this.#leaving.has(visit);
    });
  }

  /** Finds the connection of some addresses, which have more than their share, that is recalled first. */
  #findRecall(sources: string[]): Visit | undefined {
    return this.#findFirst(sources, (visit) => !this.#leaving.has(visit) || !this.#isBusy(visit));
  }

  #findFirst(sources: string[], canLeave: (visit: Visit) => boolean): Visit | undefined {
    let first: Visit | undefined;
    for (const source of sources) {
      for (const visit of this.#served.of(source)) {
        if (canLeave(visit) && (first === undefined || this.#isBefore(visit, first))) first = visit;
      }
    }
    return first;
  }

  /** Whether a connection makes room before another one does. */
  #isBefore(one: Visit, other: Visit): boolean {
    const difference = this.#rank(one) - this.#rank(other);
    return difference < 0 || difference === 0 && one.session.activeAt < other.session.activeAt;
  }

  #rank(visit: Visit): number {
    if (this.#isBusy(visit)) return 3;
    return { resting: 0, reading: 1, writing: 2, working: 3 }[visit.session.activity];
  }

  /** Whether a connection's answer is under way, and not stalled by its peer. */
  #isBusy({ session: { activity, activeAt } }: Visit): boolean {
    if (activity === "writing") return activeAt > this.#context.now() - TURN_MS;
    return activity === "working";
  }

  /** Takes a connection's place: at once, or after its answer if it is busy. */
  #dismiss(visit: Visit): void {
    this.#warnings.warn("accept", "all places are taken: connections make room for others");
    if (this.#isBusy(visit)) {
      visit.session.leave();
      this.#leaving.add(visit);
      return;
    }
    visit.session.abort();
    this.#release(visit);
  }

  /** Closes the arrival that is least likely to belong to an honest agency. */
  #turnAway(): void {
    const arrival = this.#arrivals.eldestOfLargest()!;
    this.#arrivals.delete(arrival);
    arrival.connection.close();
    const error =
      "too many connections wait for a place: the eldest of an address that has most ends";
    this.#warnings.warn("accept", error);
  }

  #onWaiting(session: Session, isWaiting: boolean): void {
    const { visit } = this.#visits.get(session)!;
    if (!isWaiting) {
      this.#waiting.delete(visit);
      visit.placedAt = this.#context.now();
      this.#served.add(visit);
      return;
    }
    this.#release(visit);
    this.#waiting.add(visit);
    if (this.#waiting.size > this.#settings.waitingMax) {
      // Its agency reconnects if it still waits, and is the newest then.
      this.#waiting.eldestOfLargest()!.session.abort();
      const error =
        "too many connections wait for the draw: the eldest of an address that has most ends";
      this.#warnings.warn("connection", error);
    }
    this.#assignPlaces();
  }

  #onLinger(session: Session): void {
    const { visit } = this.#visits.get(session)!;
    this.#release(visit);
    this.#lingering.add(visit);
    const [eldest] = this.#lingering;
    if (this.#lingering.size > LINGERING_MAX) eldest.session.abort();
    this.#assignPlaces();
  }

  #onEnd(visit: Visit): void {
    this.#visits.delete(visit.session);
    this.#waiting.delete(visit);
    this.#lingering.delete(visit);
    this.#release(visit);
    this.#assignPlaces();
  }

  #release(visit: Visit): void {
    this.#served.delete(visit);
    this.#leaving.delete(visit);
  }

  #endIdle(): void {
    const { idleMs, crowdedIdleMs } = this.#settings;
    const crowded = this.#crowdedSources();
    const now = this.#context.now();
    for (const { session, source } of this.#served) {
      const limitMs = crowded.has(source) ? Math.min(idleMs, crowdedIdleMs) : idleMs;
      session.endIfIdleSince(now - limitMs);
    }
  }

  /** The addresses whose connections have less time because another one waits for a place. */
  #crowdedSources(): Set<string> {
    if (this.#arrivals.size === 0 && !this.#isShort) return new Set();
    return new Set([...this.#served.largest(), ...this.#arrivals.sources()]);
  }
}
