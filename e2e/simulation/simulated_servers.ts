/**
 * The servers of a simulation: real sessions, draws and file ledgers, with a disk and a network in
 * memory.
 *
 * @module
 */

import { DrawWatch } from "../../server/draw_watch.ts";
import { openFileLedger } from "../../server/ledger/file/file_ledger.ts";
import type { Ledger } from "../../server/ledger/ledger.ts";
import { Session, type SessionContext } from "../../server/session.ts";
import { keepLog } from "../../server/testing/ledgers.ts";
import type { MemoryDisk, MemoryProcess } from "../../server/testing/memory_disk.ts";
import { dayNumber } from "../../shared/bet.ts";
import { BetDecoder } from "../../shared/packets.ts";
import { WINNING_NUMBER } from "../../testing/lottery_environment.ts";
import type { Random } from "../../testing/random.ts";
import { DatagramNetwork, Wire, type WireEnd } from "./network.ts";

/** How often a server looks for a draw that no datagram has announced. */
const POLL_MS = 1000;
const NEVER_MS = 3_600_000;

/** A protection of servers that a control switches off. */
export type Protection =
  /** Nothing is synced. */
  | "sync"
  /** A server stores a batch whatever others have stored since. */
  | "expected bets"
  /** The draw waits for the first agency only. */
  | "every close"
  /** A server looks for the draw only when it receives a datagram. */
  | "polls";

/** Options of {@linkcode SimulatedServers}. */
export interface SimulatedServersOptions {
  servers: number;
  agencies: number;
  disk: MemoryDisk;
  random: Random;
  /** The protection to switch off. */
  without?: Protection;
}

/** A server while its process lives. */
interface LiveServer {
  process: MemoryProcess;
  ledger: Ledger;
  context: SessionContext;
  wires: Set<Wire>;
}

/** A fixed number of places for servers. Each place has a server, or one is starting there. */
export class SimulatedServers {
  readonly #options: SimulatedServersOptions;
  #disk: MemoryDisk;
  readonly #live: (LiveServer | undefined)[];
  readonly #starting = new Set<number>();
  readonly #datagrams: DatagramNetwork;
  #startFailure: Error | undefined;

  constructor(options: SimulatedServersOptions) {
    this.#options = options;
    this.#datagrams = new DatagramNetwork(options.random);
    this.#disk = options.disk;
    this.#live = new Array(options.servers).fill(undefined);
  }

  /** The disk that all servers share. */
  get disk(): MemoryDisk {
    return this.#disk;
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
    if (server === undefined) throw new Deno.errors.ConnectionRefused("connection refused");
    const wire = new Wire(this.#options.random);
    server.wires.add(wire);
    const session = new Session(
      endOfProcess(wire.serverEnd, server.process),
      "client",
      server.context,
    );
    void session.run().then(() => {
      server.wires.delete(wire);
      if (server.process.isKilled) wire.break();
    });
    return wire;
  }

  /**
   * Starts a new server in each place whose process was killed.
   *
   * @throws {Error} If an earlier one could not start on what was left on the disk.
   */
  restartKilled(): void {
    if (this.#startFailure !== undefined) throw this.#startFailure;
    for (const [place, server] of this.#live.entries()) {
      if (server?.process.isKilled) this.#remove(place, server);
      if (this.#live[place] === undefined && !this.#starting.has(place)) void this.#start(place);
    }
  }

  /** Delivers a forged datagram to one server. */
  forgeDatagram(): void {
    this.#datagrams.forge();
  }

  /** Kills all servers. New ones start on `disk`, which is what a power cut left. */
  cutPower(disk: MemoryDisk): void {
    this.killAll();
    this.#disk = disk;
  }

  killAll(): void {
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
    this.#starting.add(place);
    const disk = this.#disk;
    const process = disk.process();
    try {
      const server = await this.#open(process);
      // The power may have failed meanwhile.
      if (disk === this.#disk && !process.isKilled) this.#live[place] = server;
      else killServer(server);
    } catch (error) {
      if (!process.isKilled) this.#startFailure = error as Error;
    } finally {
      this.#starting.delete(place);
    }
  }

  async #open(process: MemoryProcess): Promise<LiveServer> {
    const { agencies, without } = this.#options;
    const { log } = keepLog();
    if (without === "sync") removeSync(process);
    const ledger = await openFileLedger(process, {
      agencies: without === "every close" ? 1 : agencies,
      winningNumber: WINNING_NUMBER,
      log,
      signal: this.#datagrams.open(),
      pollMs: without === "polls" ? NEVER_MS : POLL_MS,
    });
    void ledger.failed.then(() => process.kill());
    if (without === "expected bets") ignoreExpectedBets(ledger);
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
    return { process, ledger, context, wires: new Set() };
  }
}

/** Kills a server's process and stops its timers. */
function killServer({ process, ledger }: LiveServer): void {
  process.kill();
  // Fails, since the files are out of reach.
  void ledger[Symbol.asyncDispose]().catch(() => {});
}

function removeSync(process: MemoryProcess): void {
  const open = process.open.bind(process);
  process.open = (name) => {
    const file = open(name);
    file.syncNow = () => {};
    file.sync = () => Promise.resolve();
    return file;
  };
}

function ignoreExpectedBets(ledger: Ledger): void {
  const append = ledger.append.bind(ledger);
  ledger.append = (batch) => append(batch);
}

/** Returns the end of a wire that a process holds: once killed, the process sends nothing more. */
function endOfProcess(end: WireEnd, process: MemoryProcess): WireEnd {
  const assertAlive = () => {
    if (process.isKilled) throw new Deno.errors.BrokenPipe("the process was killed");
  };
  return {
    read: (bytes) => end.read(bytes),
    write: async (bytes) => {
      assertAlive();
      return await end.write(bytes);
    },
    closeWrite: async () => {
      assertAlive();
      await end.closeWrite();
    },
    // The wires of a killed process are broken with it.
    close: () => {
      if (!process.isKilled) end.close();
    },
  };
}
