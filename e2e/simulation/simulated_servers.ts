/**
 * The servers of a simulation: real sessions, draws and ledgers, with a network in memory.
 *
 * @module
 */

import { DrawWatch } from "../../server/draw_watch.ts";
import type { Ledger } from "../../server/ledger/ledger.ts";
import { Session } from "../../server/session.ts";
import type { SessionContext } from "../../server/session_context.ts";
import { keepLog } from "../../server/testing/ledgers.ts";
import { dayNumber } from "../../shared/bet.ts";
import { BetDecoder } from "../../shared/packets.ts";
import { WINNING_NUMBER } from "../../testing/lottery_environment.ts";
import type { Random } from "../../testing/random.ts";
import { endOfProcess, Wire } from "../../server/testing/memory_wire.ts";
import type { Protection } from "./protections.ts";
import type { ServerProcess, SimulatedEngine } from "./simulated_engine.ts";

/** Options of {@linkcode SimulatedServers}. */
export interface SimulatedServersOptions {
  servers: number;
  agencies: number;
  engine: SimulatedEngine;
  random: Random;
  /** The protection to switch off. */
  without?: Protection;
}

/** A server while its process lives. */
interface LiveServer {
  process: ServerProcess;
  ledger: Ledger;
  context: SessionContext;
  wires: Set<Wire>;
  /** The conversations in hand, each with its end. */
  sessions: Map<Session, Promise<void>>;
  isStopping: boolean;
}

/** A fixed number of places for servers. Each place has a server, or one is starting there. */
export class SimulatedServers {
  readonly #options: SimulatedServersOptions;
  readonly #live: (LiveServer | undefined)[];
  /** The places where a server is starting, with its process. */
  readonly #starting = new Map<number, ServerProcess>();
  #failure: Error | undefined;

  constructor(options: SimulatedServersOptions) {
    this.#options = options;
    this.#live = new Array(options.servers).fill(undefined);
  }

  /** The open connections of all servers. */
  get wires(): Wire[] {
    return this.#live.flatMap((server) => [...server?.wires ?? []]);
  }

  /** Returns the addresses of all places. */
  addresses(): string[] {
    return this.#live.map((_, place) => `10.0.0.${place}`);
  }

  /**
   * Connects to the server at an address.
   *
   * @throws {Deno.errors.ConnectionRefused} If none lives there.
   */
  connect(address: string): Wire {
    const server = this.#live[Number(address.split(".")[3])];
    if (server === undefined || server.isStopping) {
      throw new Deno.errors.ConnectionRefused("connection refused");
    }
    const wire = new Wire(this.#options.random);
    server.wires.add(wire);
    const session = new Session(
      endOfProcess(wire.serverEnd, server.process),
      "client",
      server.context,
    );
    const running = session.run().then(() => {
      server.wires.delete(wire);
      server.sessions.delete(session);
      if (server.process.isKilled) wire.break();
    });
    server.sessions.set(session, running);
    return wire;
  }

  /** Stops a server as SIGTERM does: it answers what it has received, and disposes of its ledger. */
  async stopOne(): Promise<void> {
    const running = this.#live.filter((server) => server?.isStopping === false) as LiveServer[];
    if (running.length === 0) return;
    const server = this.#options.random.pick(running);
    server.isStopping = true;
    for (const session of server.sessions.keys()) session.stop();
    await Promise.all(server.sessions.values());
    await server.ledger[Symbol.asyncDispose]().catch(() => {});
    server.process.kill();
  }

  /**
   * Starts a new server in each place whose process was killed or has ended.
   *
   * @throws {Error} If an earlier one could not start on what was stored, or its ledger failed.
   */
  restartEnded(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const [place, server] of this.#live.entries()) {
      if (server?.process.isKilled) this.#remove(place, server);
      if (this.#live[place] === undefined && !this.#starting.has(place)) void this.#start(place);
    }
  }

  killAll(): void {
    for (const process of this.#starting.values()) process.kill();
    for (const [place, server] of this.#live.entries()) {
      if (server !== undefined) this.#remove(place, server);
    }
  }

  #remove(place: number, server: LiveServer): void {
    killServer(server);
    for (const wire of server.wires) wire.break();
    this.#live[place] = undefined;
  }

  async #start(place: number): Promise<void> {
    const process = this.#options.engine.process();
    this.#starting.set(place, process);
    try {
      const server = await this.#open(process);
      if (process.isKilled) killServer(server);
      else this.#live[place] = server;
    } catch (error) {
      if (!process.isKilled) this.#failure = error as Error;
    } finally {
      this.#starting.delete(place);
    }
  }

  async #open(process: ServerProcess): Promise<LiveServer> {
    const { agencies, without } = this.#options;
    const { log } = keepLog();
    const ledger = await process.open({ agencies, log });
    void ledger.failed.then((error) => {
      if (!process.isKilled) this.#failure ??= error;
      process.kill();
    });
    if (without === "expected bets") ignoreExpectedBets(ledger);
    if (without === "unknown outcomes") guessOutcomes(ledger);
    const context: SessionContext = {
      ledger,
      draw: new DrawWatch(ledger, { winningNumber: WINNING_NUMBER, log }),
      log,
      agencies,
      packetBytesMax: 64 * 1024,
      agenciesPerConnectionMax: 100,
      decoder: new BetDecoder(ledger.notation),
      onWaiting: () => {},
      onLinger: () => {},
      onInvalid: () => {},
      now: Date.now,
      today: () => dayNumber(Date.now()),
    };
    return {
      process,
      ledger,
      context,
      wires: new Set(),
      sessions: new Map(),
      isStopping: false,
    };
  }
}

/** Kills a server's process and stops its timers. */
function killServer({ process, ledger }: LiveServer): void {
  process.kill();
  // Fails, since what it has stored is out of reach.
  void ledger[Symbol.asyncDispose]().catch(() => {});
}

function ignoreExpectedBets(ledger: Ledger): void {
  const append = ledger.append.bind(ledger);
  ledger.append = (batch) => append(batch);
}

function guessOutcomes(ledger: Ledger): void {
  const append = ledger.append.bind(ledger);
  ledger.append = async (batch, expectedBets) => {
    const result = await append(batch, expectedBets);
    return result.status === "unknown" ? { ...result, status: "refused" } : result;
  };
}
