/**
 * A whole lottery in this process, driven by a seed: the real servers and agencies, with a network, a
 * clock and what an engine of the ledger stores to in memory. Servers are killed and stopped,
 * connections break, the engine fails in its own ways. In the end every promise must have been kept.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { FakeTime } from "@std/testing/time";
import { Agency } from "../../client/agency.ts";
import { BetLines, type ByteSource } from "../../client/bet_lines.ts";
import { UnreachableError } from "../../client/retry.ts";
import { Servers } from "../../client/servers.ts";
import { hashInPlace } from "../../client/testing/hash_in_place.ts";
import { keepLog } from "../../server/testing/ledgers.ts";
import { dayNumber } from "../../shared/bet.ts";
import { Random } from "../../testing/random.ts";
import { check } from "../faults/checker.ts";
import { describeFaults } from "../faults/fault.ts";
import { History } from "../faults/history.ts";
import { sourceFileOf } from "../faults/made_bets.ts";
import { FileEngine } from "./file_engine.ts";
import { HastyAgency } from "./hasty_agency.ts";
import { Incidents } from "./incidents.ts";
import { JetstreamEngine } from "./jetstream_engine.ts";
import type { WireEnd } from "../../server/testing/memory_wire.ts";
import type { Protection } from "./protections.ts";
import type { SimulatedEngine } from "./simulated_engine.ts";
import { SimulatedServers } from "./simulated_servers.ts";

const SERVERS = 3;
/** The last one is hasty. */
const AGENCIES = 3;
const BETS_MAX = 40;
const START_MS = Date.UTC(2026, 0, 1);
/** How far the clock moves in one turn. */
const TURN_MS = 25;
/** Turns of the event loop within one turn of the clock, for whatever can happen at one moment. */
const IMMEDIATES_OF_TURN = 6;
/** Far more turns than all retries together take: a simulation that takes longer hangs. */
const TURNS_MAX = 40_000;

/** Longer than a simulation may last, so that it fails if no server wakes an agency after the draw. */
const WINNERS_TIMEOUT_MS = 3_600_000;
const RETRY_MS = 20_000;

/**
 * Each incident happens in one of this many turns. One in `doom` new connections will break, and one in `delay` will
 * stall while its agency sends: that takes no time, so nothing that happens between two turns hits it.
 */
const CHANCES = { stop: 50, breakWire: 20, stall: 10, doom: 6, delay: 4 };
/** After this many incidents nothing else goes wrong, so that the lottery can end. */
const INCIDENTS_MAX = { files: 20, jetstream: 60 };
/** Longest pause of a connection. Meanwhile, agencies continue elsewhere; late batches arrive after it. */
const STALL_ANSWER_TIMEOUTS_MAX = 3;
/** A doomed connection breaks within this many bytes. */
const DOOMED_BYTES = 300;
/** Another one stalls within this many: a few batches. */
const DELAYED_BYTES = 600;

/** Options of {@linkcode simulate}. */
export interface SimulationOptions {
  /** The engine of the ledger. @default {"files"} */
  engine?: "files" | "jetstream";
  /** A protection to switch off. For controls: some seed must then break a promise. */
  without?: Protection;
}

/**
 * Runs one simulation.
 *
 * @returns How many incidents it had.
 * @throws {Error} If a promise was broken, or the simulation does not end.
 */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<number> {
  using time = new FakeTime(START_MS);
  const simulation = new Simulation(seed, time, options);
  try {
    return await simulation.run();
  } finally {
    // Nothing may depend on the real clock.
    await simulation.stop();
  }
}

/** Returns what failed with the first failing seed from 1 to `seeds`, if any fails. */
export async function firstFailure(
  seeds: number,
  options: SimulationOptions = {},
): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await simulate(seed, options);
    } catch (error) {
      return `with seed ${seed}: ${(error as Error).message}`;
    }
  }
}

class Simulation {
  readonly #random: Random;
  readonly #time: FakeTime;
  readonly #incidents: Incidents;
  readonly #engine: SimulatedEngine;
  readonly #servers: SimulatedServers;
  readonly #history = new History();

  constructor(seed: number, time: FakeTime, { engine = "files", without }: SimulationOptions) {
    const random = this.#random = new Random(seed);
    this.#time = time;
    const incidents = this.#incidents = new Incidents(random, INCIDENTS_MAX[engine]);
    const Engine = engine === "files" ? FileEngine : JetstreamEngine;
    this.#engine = new Engine({ random, incidents, without });
    this.#servers = new SimulatedServers({
      servers: SERVERS,
      agencies: AGENCIES,
      engine: this.#engine,
      random,
      without,
    });
  }

  async run(): Promise<number> {
    const running = Array.from({ length: AGENCIES }, (_, index) => {
      const agency = index + 1;
      return agency === AGENCIES ? this.#runHastyAgency(agency) : this.#runAgency(agency);
    });
    let hasEnded = false;
    const ended = Promise.all(running).finally(() => hasEnded = true);
    // Awaited below. Until then, a rejection is not unhandled.
    ended.catch(() => {});
    for (let turn = 0; !hasEnded; turn++) {
      if (turn > TURNS_MAX) throw new Error("the simulation does not end");
      this.#servers.restartEnded();
      this.#causeIncidents();
      for (let at = 0; at < IMMEDIATES_OF_TURN; at++) await immediate();
      this.#time.tick(TURN_MS);
    }
    await ended;
    this.#servers.killAll();
    this.#judge();
    return this.#incidents.count;
  }

  /** Ends whatever a failure has left running. */
  async stop(): Promise<void> {
    this.#servers.killAll();
    for (let at = 0; at < IMMEDIATES_OF_TURN; at++) await immediate();
  }

  /** Runs an agency until it has its winners, and restarts it whenever it gives up. */
  async #runAgency(agency: number): Promise<void> {
    const bets = this.#random.below(BETS_MAX);
    const random = this.#random.fork();
    const limits = { betsMax: 1 + random.below(6), bytesMax: 400 };
    this.#history.add({ type: "sent", agency, from: 0, to: bets });
    for (;;) {
      const { log } = keepLog();
      using servers = new Servers({
        host: "servers",
        port: 1,
        answerTimeoutMs: this.#engine.answerTimeoutMs,
        retryMs: RETRY_MS,
        log,
        random: () => random.next(),
        now: Date.now,
        dialer: {
          resolve: () => Promise.resolve(this.#servers.addresses()),
          connect: async ({ hostname }) => await Promise.resolve(this.#connect(hostname)),
        },
      });
      const program = new Agency({
        agency,
        servers,
        log,
        winnersTimeoutMs: WINNERS_TIMEOUT_MS,
        sha256: hashInPlace,
      });
      try {
        const documents = await program.run(betsOf(agency, bets), limits);
        return this.#recordEnd(agency, bets, documents);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
      }
    }
  }

  async #runHastyAgency(agency: number): Promise<void> {
    const program = new HastyAgency({
      agency,
      random: this.#random.fork(),
      addresses: this.#servers.addresses(),
      answerTimeoutMs: this.#engine.answerTimeoutMs,
      winnersTimeoutMs: WINNERS_TIMEOUT_MS,
      doubtMs: 2 * this.#engine.answerTimeoutMs,
      connect: (address) => this.#connect(address, { isSteady: true }),
      storedBytes: () => this.#engine.bets().length,
    });
    for (const event of await program.run()) {
      if (event.type === "winners") this.#recordStoredCloses();
      this.#history.add(event);
    }
  }

  #recordEnd(agency: number, bets: number, documents: string[]): void {
    const history = this.#history;
    const engine = this.#engine;
    history.add({ type: "stored", agency, from: 0, to: bets });
    history.add({ type: "closed", agency, fileSize: engine.bets().length });
    this.#recordStoredCloses();
    history.add({ type: "winners", agency, documents, server: "a server" });
  }

  /** The draw needs every close: the checker compares these with the winners that follow. */
  #recordStoredCloses(): void {
    for (const line of this.#engine.closed().split("\n").slice(0, -1)) {
      this.#history.add({ type: "close sent", agency: Number(line) });
    }
  }

  /** @param options Whether the connection never stalls: what it has not delivered in time never arrives. */
  #connect(address: string, { isSteady = false } = {}): WireEnd {
    const wire = this.#servers.connect(address);
    wire.isSteady = isSteady;
    if (this.#incidents.happens(CHANCES.doom)) {
      const bytes = 1 + this.#random.below(DOOMED_BYTES);
      wire.breakAfter(bytes, this.#random.once(2) ? "server" : "client");
    }
    if (!isSteady && this.#incidents.happens(CHANCES.delay)) {
      wire.stallAfter(1 + this.#random.below(DELAYED_BYTES), this.#stallMs());
    }
    return wire.clientEnd;
  }

  #stallMs(): number {
    return this.#random.below(STALL_ANSWER_TIMEOUTS_MAX * this.#engine.answerTimeoutMs);
  }

  #causeIncidents(): void {
    const { wires } = this.#servers;
    this.#engine.causeIncidents();
    if (this.#incidents.happens(CHANCES.stop)) void this.#servers.stopOne();
    if (wires.length > 0 && this.#incidents.happens(CHANCES.breakWire)) {
      this.#random.pick(wires).break();
    }
    const unsteady = wires.filter(({ isSteady }) => !isSteady);
    if (unsteady.length > 0 && this.#incidents.happens(CHANCES.stall)) {
      this.#random.pick(unsteady).stall(this.#stallMs());
    }
  }

  #judge(): void {
    const faults = check({
      agencies: AGENCIES,
      events: this.#history.events,
      bets: this.#engine.bets(),
      closed: this.#engine.closed(),
      isComplete: true,
    });
    if (faults.length > 0) throw new Error(`promises were broken:\n${describeFaults(faults)}`);
  }
}

/** Returns the bets of an agency, as its program reads them from a file. */
function betsOf(agency: number, count: number) {
  let bytes = new TextEncoder().encode(sourceFileOf(agency, count));
  const source: ByteSource = {
    read: (into) => {
      const piece = bytes.subarray(0, into.length);
      into.set(piece);
      bytes = bytes.subarray(piece.length);
      return Promise.resolve(piece.length === 0 ? null : piece.length);
    },
  };
  const lines = new BetLines(source, {
    name: "bets",
    today: dayNumber(Date.now()),
    pieceBytes: 8192,
  });
  return { name: "bets", total: count, read: () => lines.read() };
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
