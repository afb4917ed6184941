/**
 * The connections of a server, from their arrival to their end.
 *
 * @module
 */

import type { ActionLog } from "../shared/logging.ts";
import type { ConnectionsReport } from "../shared/status/report.ts";
import { AgencyConnections } from "./agency_connections.ts";
import { BetRates } from "./bet_rates.ts";
import { AddressGroups, type Grouped } from "./address_groups.ts";
import type { Gate, Visitor } from "./gate/gate.ts";
import { isWithin } from "./ipv4_ranges.ts";
import { Places, type Visit } from "./places.ts";
import { Session } from "./session.ts";
import type { SessionContext } from "./session_context.ts";
import { arrivalsMax, type ServerSettings } from "./settings.ts";
import type { SummedWarnings } from "./summed_warnings.ts";
import { enter } from "./transport/entrance.ts";
import type { AcceptedConnection } from "./transport/listener.ts";

/** Pause before the next search for a connection that can make room. */
const SEARCH_PAUSE_MS = 25;
/** Connections that may linger at a time. */
const LINGERING_MAX = 64;
/** How long sessions may take to answer their current packet after the server begins to stop. */
const STOP_PATIENCE_MS = 1500;

/** A connection that needs a place. */
interface Arrival extends Grouped {
  readonly connection: AcceptedConnection;
  /** Address and port. */
  readonly peer: string;
}

/** A connection that has a session. */
interface AgencyVisit extends Visit {
  /** The agency for whose winners it waits. */
  agency?: number;
}

/** Options of {@linkcode Connections}. */
export interface ConnectionsOptions {
  settings: ServerSettings;
  warnings: SummedWarnings;
  /** Admits connections; nothing where agencies have no keys. */
  gate: Gate | undefined;
  /** What the sessions need. */
  context: Omit<SessionContext, "onWaiting" | "onLinger" | "onInvalid">;
}

/**
 * Serves connections, each in a session.
 *
 * A connection needs a place from its arrival to its end, except while it waits for the draw and while it
 * lingers. {@linkcode Places} decides which connections make room when all places are taken. The numbers of
 * those that wait for a place, wait for the draw, or linger are limited too: one too many ends the eldest of
 * the address that has most.
 */
export class Connections {
  readonly #settings: ServerSettings;
  readonly #log: ActionLog;
  readonly #warnings: SummedWarnings;
  readonly #gate: Gate | undefined;
  readonly #context: SessionContext;
  readonly #sessions = new Map<Session, { visit: AgencyVisit; ended: Promise<void> }>();
  readonly #places: Places;
  /** Connections that need a place. */
  readonly #arrivals = new AddressGroups<Arrival>();
  /** Connections that wait for the draw. */
  readonly #waiting = new AddressGroups<AgencyVisit>();
  /** Connections whose peer has yet to take the last answer. */
  readonly #lingering = new AddressGroups<AgencyVisit>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #search: ReturnType<typeof setTimeout> | undefined;
  /** Invalid packets that were refused. */
  invalidPackets = 0;
  /** Connections that failed because of TLS. */
  #tlsFailures = 0;
  /** Connections that were refused for lack of a place. */
  #turnedAway = 0;
  /** Whether the system cannot provide another connection. */
  #isShort = false;
  #isStopping = false;

  constructor({ settings, warnings, gate, context }: ConnectionsOptions) {
    this.#settings = settings;
    this.#log = context.log;
    this.#warnings = warnings;
    this.#gate = gate;
    this.#places = new Places({ ...settings, now: context.now });
    const { betsPerSecondMax, connectionsPerAgencyMax } = settings;
    this.#context = {
      ...context,
      onWaiting: (session, agency) => this.#onWaiting(session, agency),
      onLinger: (session) => this.#onLinger(session),
      onInvalid: () => this.invalidPackets++,
      rates: betsPerSecondMax === undefined
        ? undefined
        : new BetRates({ betsPerSecondMax, now: context.now }),
      agencyConnections: connectionsPerAgencyMax === undefined ? undefined : new AgencyConnections({
        max: connectionsPerAgencyMax,
        onRefused: (peer, agency) => this.#onCrowd(peer, agency),
      }),
    };
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(1000, settings.idleMs));
  }

  /** Serves a connection that was accepted, as soon as there is a place. */
  add(connection: AcceptedConnection): void {
    const { hostname, port } = connection.remoteAddr;
    const peer = `${hostname}:${port}`;
    // Many agencies come from a trusted proxy: each of its connections counts as an address.
    const source = isWithin(this.#settings.trustedProxies, hostname) ? peer : hostname;
    this.#isShort = false;
    this.#arrivals.add({ connection, peer, source });
    if (!this.#places.hasFree) {
      const reason = "a connection waits for a place";
      this.#log.debug("accept", "in_progress", { ip: peer, reason });
    }
    this.#assignPlaces();
    if (this.#arrivals.size > arrivalsMax(this.#settings)) this.#turnAway();
  }

  /**
   * Makes room after the system could not provide a connection, for lack of file handles or memory.
   *
   * @returns Whether a connection makes room. Otherwise idle ones end sooner.
   */
  relieve(): boolean {
    this.#isShort = true;
    if (this.#places.endTurn(this.#places.largest())) return true;
    const [source] = this.#waiting.largest();
    if (source === undefined) return false;
    if (this.#waiting.count(source) <= this.#settings.connectionsPerAddressMax) return false;
    this.#endWait();
    return true;
  }

  /** What the connections are doing. */
  report(): ConnectionsReport {
    const [waiting, lingering] = [this.#waiting.size, this.#lingering.size];
    const served = this.#sessions.size - waiting - lingering;
    const { connectionsMax: placesMax } = this.#settings;
    const { rates, agencyConnections } = this.#context;
    return {
      ...{ served, placesMax, arriving: this.#arrivals.size, waiting, lingering },
      refused: {
        tls: this.#tlsFailures,
        keys: this.#gate?.refused ?? 0,
        agency: agencyConnections?.refused ?? 0,
        place: this.#turnedAway,
      },
      delayedBatches: rates?.delayedBatches ?? 0,
      delayedSeconds: rates?.delayedSeconds ?? 0,
    };
  }

  /** Ends all connections; those that are working on a packet, after its answer. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#sweep);
    clearTimeout(this.#search);
    for (const { connection } of this.#arrivals) connection.close();
    const patience = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.abort();
    }, STOP_PATIENCE_MS);
    for (const session of this.#sessions.keys()) session.stop();
    await Promise.all(Array.from(this.#sessions.values(), ({ ended }) => ended));
    clearTimeout(patience);
  }

  /** Serves arrivals while there are places, first those of addresses that have fewest. */
  #assignPlaces(): void {
    while (!this.#isStopping) {
      const next = this.#arrivals.eldestOfLeast((source) => this.#places.count(source));
      if (next === undefined) return;
      if (this.#places.hasFree) this.#serve(next);
      else if (!this.#makeRoomFor(next)) break;
    }
    if (this.#isStopping) return;
    this.#search ??= setTimeout(() => {
      this.#search = undefined;
      this.#assignPlaces();
    }, SEARCH_PAUSE_MS);
  }

  #makeRoomFor({ source }: Arrival): boolean {
    if (!this.#places.makeRoomFor(source, this.#arrivals.size)) return false;
    this.#warnings.warn("accept", "all places are taken: a connection makes room for another one");
    return true;
  }

  #serve(arrival: Arrival): void {
    const { connection, peer, source } = arrival;
    this.#arrivals.delete(arrival);
    try {
      connection.setNoDelay?.(true);
      // Detects a peer that vanishes while its session waits for the draw.
      connection.setKeepAlive?.(true);
    } catch {
      // The peer is gone already; the session finds out.
    }
    const entered = enter(connection, {
      isTls: this.#settings.tls !== undefined,
      onRefused: (reason) => this.#onTlsFailure(peer, reason),
    });
    const gate = this.#gate;
    const admit = gate && ((visitor: Visitor) => gate.admit(visitor, { peer, source }));
    const session = new Session(entered, peer, this.#context, admit);
    const visit = { session, source, placedAt: 0 };
    this.#places.give(visit);
    const ended = session.run().then(() => this.#onEnd(session));
    this.#sessions.set(session, { visit, ended });
  }

  #onTlsFailure(address: string, reason: string): void {
    this.#tlsFailures++;
    this.#context.audit?.refused({ address, reason });
    this.#warnings.warn("tls", reason);
  }

  #turnAway(): void {
    const arrival = this.#arrivals.eldestOfLargest()!;
    this.#arrivals.delete(arrival);
    arrival.connection.close();
    this.#turnedAway++;
    this.#context.audit?.refused({ address: arrival.peer, reason: "all places are taken" });
    const error = "too many connections need a place: one of an address that has most ends";
    this.#warnings.warn("accept", error);
  }

  #onWaiting(session: Session, agency: number | undefined): void {
    const { visit } = this.#sessions.get(session)!;
    visit.agency = agency;
    if (agency === undefined) {
      this.#waiting.delete(visit);
      this.#places.give(visit);
      return;
    }
    this.#places.takeBack(visit);
    this.#waiting.add(visit);
    if (this.#waiting.size > this.#settings.waitingMax) this.#endWait();
    this.#assignPlaces();
  }

  /** Ends a wait for the draw: of the addresses that have most, the eldest of the agency that has most. */
  #endWait(): void {
    const byAgency = new AddressGroups<Grouped & { visit: AgencyVisit }>();
    for (const source of this.#waiting.largest()) {
      for (const visit of this.#waiting.of(source)) {
        byAgency.add({ source: String(visit.agency), visit });
      }
    }
    // Its agency reconnects if it still waits, and is the newest then.
    byAgency.eldestOfLargest()!.visit.session.abort();
    const error = "too many connections wait for the draw: one of an address that has most ends";
    this.#warnings.warn("connection", error);
  }

  #onCrowd(address: string, agency: number): void {
    const { connectionsPerAgencyMax: max } = this.#settings;
    const reason = `the agency has ${max} connections (SERVER_MAX_CONNECTIONS_PER_AGENCY)`;
    this.#log.debug("connection", "fail", { ip: address, agency, error: reason });
    this.#context.audit?.refused({ address, agency, reason });
    this.#warnings.warn("connection", `agency ${agency} may have no further connection: ${reason}`);
  }

  #onLinger(session: Session): void {
    const { visit } = this.#sessions.get(session)!;
    this.#places.takeBack(visit);
    this.#lingering.add(visit);
    if (this.#lingering.size > LINGERING_MAX) this.#lingering.eldestOfLargest()!.session.abort();
    this.#assignPlaces();
  }

  #onEnd(session: Session): void {
    const { visit } = this.#sessions.get(session)!;
    this.#sessions.delete(session);
    this.#places.takeBack(visit);
    this.#waiting.delete(visit);
    this.#lingering.delete(visit);
    this.#assignPlaces();
  }

  #endIdle(): void {
    const { idleMs, crowdedIdleMs } = this.#settings;
    const crowded = this.#crowdedSources();
    const now = this.#context.now();
    for (const [session, { visit: { source } }] of this.#sessions) {
      const limitMs = crowded.has(source) ? Math.min(idleMs, crowdedIdleMs) : idleMs;
      session.endIfIdleSince(now - limitMs);
    }
  }

  /** The addresses whose connections have less time, because another connection needs a place. */
  #crowdedSources(): Set<string> {
    if (this.#arrivals.size === 0 && !this.#isShort) return new Set();
    return new Set([...this.#places.largest(), ...this.#arrivals.sources()]);
  }
}
