/**
 * One history of a lottery, told by a seed: servers and agencies, the real ones, in this process, on a disk,
 * a network and a clock that are not real; servers are killed, connections break, datagrams are lost or
 * forged, the power fails. In the end every bet must be stored once, in its agency's order, and every
 * agency must know its winners.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Agency } from "../../client/agency.ts";
import { BetLines } from "../../client/bet_lines.ts";
import { UnreachableError } from "../../client/retry.ts";
import { Servers } from "../../client/servers.ts";
import { Random } from "../../testing/random.ts";
import { BetDecoder } from "../../shared/packets.ts";
import { DrawWatch } from "../../server/draw_watch.ts";
import type { ChangeSignal } from "../../server/ledger/file/draw_signal.ts";
import { openFileLedger } from "../../server/ledger/file/file_ledger.ts";
import type { Ledger } from "../../server/ledger/ledger.ts";
import { Session, type SessionContext } from "../../server/session.ts";
import { keepLog } from "../../server/testing/ledgers.ts";
import { MemoryDisk, type MemoryProcess } from "../../server/testing/memory_disk.ts";
import { Wire, type WireEnd } from "./network.ts";

const WINNING_NUMBER = 7;
/** Numbers that the bets are on: one in so many wins. */
const NUMBERS = 9;
const SERVERS = 3;
const AGENCIES = 3;
const BETS_MAX = 40;
const START_MS = Date.UTC(2026, 0, 1);
const TODAY = 20260101;
/** What one turn of the loop adds to the clock. */
const TURN_MS = 25;
/** Turns of the event loop in which what can happen at one moment happens. */
const IMMEDIATES_OF_TURN = 6;
/** How often a server looks for a draw that no datagram has announced. */
const POLL_MS = 1000;
/** A history that takes longer hangs: far more than all retries together. */
const TURNS_MAX = 40_000;

/** Something that can go wrong, once in so many turns. */
const CHANCES = { kill: 10, breakWire: 20, stall: 10, forge: 30, powerCut: 150 };
/** After so many misfortunes, what is left goes well. */
const MISFORTUNES_MAX = 20;
/** Longest pause of a server: longer than an agency waits for an answer. */
const STALL_MS_MAX = 4000;

/** Options of {@linkcode liveHistory}. */
export interface HistoryOptions {
  /** A protection to switch off: the history must then fail sooner or later. */
  without?: "sync" | "expected bets";
  /** Makes a misfortune more or less frequent. @default {CHANCES} */
  chances?: Partial<typeof CHANCES>;
}

/**
 * Lives one history.
 *
 * @returns How many misfortunes it had.
 * @throws {Error} If a promise was broken, or the history does not end.
 */
export async function liveHistory(seed: number, options: HistoryOptions = {}): Promise<number> {
  using time = new FakeTime(START_MS);
  return await new History(seed, time, options).live();
}

/** What was broken in the first history of seeds 1 to `histories` that broke a promise, if one did. */
export async function firstFailure(
  histories: number,
  options: HistoryOptions = {},
): Promise<string | undefined> {
  for (let seed = 1; seed <= histories; seed++) {
    try {
      await liveHistory(seed, options);
    } catch (error) {
      return `with seed ${seed}: ${(error as Error).message}`;
    }
  }
}

/** A server, as long as its process lives. */
interface LiveServer {
  process: MemoryProcess;
  ledger: Ledger;
  context: SessionContext;
  wires: Set<Wire>;
}

class History {
  readonly #random: Random;
  readonly #time: FakeTime;
  readonly #options: HistoryOptions;
  readonly #chances: typeof CHANCES;
  #disk = new MemoryDisk();
  readonly #servers: (LiveServer | undefined)[] = new Array(SERVERS).fill(undefined);
  readonly #starting = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #misfortunes = 0;

  constructor(seed: number, time: FakeTime, options: HistoryOptions) {
    this.#random = new Random(seed);
    this.#time = time;
    this.#options = options;
    this.#chances = { ...CHANCES, ...options.chances };
  }

  async live(): Promise<number> {
    const files = Array.from({ length: AGENCIES }, () => this.#makeBets());
    const running = files.map((rows, index) => this.#runAgency(index + 1, rows));
    let winners: string[][] | undefined;
    const ended = Promise.all(running).then((all) => winners = all);
    // What fails is told below, when the loop has ended.
    ended.catch(() => winners = []);
    for (let turn = 0; winners === undefined; turn++) {
      if (turn > TURNS_MAX) throw new Error("the history does not end");
      this.#supervise();
      for (let at = 0; at < IMMEDIATES_OF_TURN; at++) await immediate();
      this.#time.tick(TURN_MS);
    }
    await ended;
    this.#killAll();
    this.#judge(files, winners);
    return this.#misfortunes;
  }

  /** The rows of an agency's file, without line ends. */
  #makeBets(): string[] {
    const count = this.#random.below(BETS_MAX);
    return Array.from({ length: count }, (_, index) => {
      const name = this.#random.once(8) ? '"Paz, de"' : "Ana";
      return `${name},Rey,${index},1980-01-01,${this.#random.below(NUMBERS)}`;
    });
  }

  /** An agency's program, started again whenever it gives up; returns the documents it was told. */
  async #runAgency(agency: number, rows: string[]): Promise<string[]> {
    const random = new Random(this.#random.below(2 ** 32));
    const limits = { betsMax: 1 + random.below(6), bytesMax: 400 };
    for (;;) {
      const { log } = keepLog();
      using servers = new Servers({
        host: "servers",
        port: 1,
        answerTimeoutMs: 1000,
        retryMs: 20_000,
        log,
        random: () => random.below(1000) / 1000,
        now: Date.now,
        dialer: {
          resolve: () => Promise.resolve(this.#servers.map((_, at) => `10.0.0.${at}`)),
          connect: ({ hostname }) => this.#connect(Number(hostname.split(".")[3])),
        },
      });
      const story = new Agency({ agency, servers, log, winnersTimeoutMs: 5000 });
      try {
        return await story.run(betsOf(rows), limits);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
      }
    }
  }

  /** A connection to a server; some are doomed from the start. */
  #connect(at: number): Promise<WireEnd> {
    const server = this.#servers[at];
    if (server === undefined) {
      return Promise.reject(new Deno.errors.ConnectionRefused("connection refused"));
    }
    const wire = new Wire(this.#random);
    if (this.#strikes(6)) {
      wire.breakAfter(1 + this.#random.below(300), this.#random.once(2) ? "server" : "client");
    }
    server.wires.add(wire);
    const end = endOfProcess(wire.serverEnd, server.process);
    const session = new Session(end, "client", server.context);
    void session.run().then(() => server.wires.delete(wire));
    return Promise.resolve(wire.clientEnd);
  }

  /** Starts servers that are not there, and lets things go wrong. */
  #supervise(): void {
    for (let at = 0; at < SERVERS; at++) {
      const server = this.#servers[at];
      if (server?.process.isKilled) this.#bury(at, server);
      if (this.#servers[at] === undefined && !this.#starting.has(at)) void this.#start(at);
    }
    if (this.#strikes(this.#chances.kill)) this.#killSoon();
    const wires = this.#servers.flatMap((server) => [...server?.wires ?? []]);
    if (wires.length > 0) {
      if (this.#strikes(this.#chances.breakWire)) this.#random.pick(wires).break();
      if (this.#strikes(this.#chances.stall)) {
        this.#random.pick(wires).stall(this.#random.below(STALL_MS_MAX));
      }
    }
    if (this.#strikes(this.#chances.forge)) void this.#servers[0]?.context.draw.look();
    if (this.#strikes(this.#chances.powerCut)) this.#cutPower();
  }

  /** Whether a misfortune of this chance comes now. */
  #strikes(chance: number): boolean {
    if (this.#misfortunes >= MISFORTUNES_MAX || !this.#random.once(chance)) return false;
    this.#misfortunes++;
    return true;
  }

  /** Kills whoever does one of the next operations on the disk, in the middle of it. */
  #killSoon(): void {
    const at = this.#disk.operations + 1 + this.#random.below(25);
    const bytes = this.#random.below(120);
    this.#disk.fault = ({ number }) => number === at ? { kind: "kill", bytes } : undefined;
  }

  #cutPower(): void {
    const left = [...this.#disk.afterPowerCut()];
    this.#killAll();
    this.#disk = this.#random.pick(left);
  }

  #killAll(): void {
    for (const [at, server] of this.#servers.entries()) {
      if (server !== undefined) this.#bury(at, server);
    }
  }

  #bury(at: number, server: LiveServer): void {
    server.process.kill();
    // Stops its timers. Its files are out of reach.
    void server.ledger[Symbol.asyncDispose]().catch(() => {});
    for (const wire of server.wires) wire.break();
    this.#servers[at] = undefined;
  }

  async #start(at: number): Promise<void> {
    this.#starting.add(at);
    const disk = this.#disk;
    const process = disk.process();
    this.#weaken(process);
    const { log } = keepLog();
    try {
      const ledger = await openFileLedger(process, {
        agencies: AGENCIES,
        winningNumber: WINNING_NUMBER,
        log,
        signal: this.#newSignal(),
        pollMs: POLL_MS,
      });
      void ledger.failed.then(() => process.kill());
      const draw = new DrawWatch(ledger, { winningNumber: WINNING_NUMBER, log });
      const context: SessionContext = {
        ledger: this.#options.without === "expected bets" ? trusting(ledger) : ledger,
        draw,
        log,
        agencies: AGENCIES,
        packetBytesMax: 64 * 1024,
        decoder: new BetDecoder(ledger.notation),
        onWaiting: () => {},
        now: Date.now,
        today: () => TODAY,
      };
      // The power may have failed meanwhile.
      if (disk === this.#disk && !process.isKilled) {
        this.#servers[at] = { process, ledger, context, wires: new Set() };
      }
    } catch (error) {
      if (!process.isKilled) throw error;
    } finally {
      this.#starting.delete(at);
    }
  }

  /** Takes a protection from a server's disk. */
  #weaken(process: MemoryProcess): void {
    if (this.#options.without !== "sync") return;
    const open = process.open.bind(process);
    process.open = (name) => {
      const file = open(name);
      file.syncNow = () => {};
      file.sync = () => Promise.resolve();
      return file;
    };
  }

  /** A server's datagrams: each reaches every server, unless it is lost. */
  #newSignal(): ChangeSignal {
    let own: () => void = () => {};
    return {
      onSignal: (listener) => {
        own = listener;
        this.#listeners.add(listener);
      },
      send: () => {
        for (const listener of this.#listeners) {
          if (!this.#random.once(2)) listener();
        }
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        this.#listeners.delete(own);
        return Promise.resolve();
      },
    };
  }

  #judge(files: string[][], winners: string[][]): void {
    const rows = this.#disk.text("bets.csv").split("\n").slice(0, -1);
    for (const [index, file] of files.entries()) {
      const agency = index + 1;
      const stored = rows.filter((row) => row.startsWith(`${agency},`));
      assertEquals(stored, file.map((row) => `${agency},${row}`), `bets of agency ${agency}`);
      const winning = file.map((row) => row.split(",")).filter((fields) =>
        Number(fields.at(-1)) === WINNING_NUMBER
      );
      const documents = winning.map((fields) => fields.at(-3));
      assertEquals(winners[index], documents, `winners of agency ${agency}`);
    }
    assertEquals(rows.length, files.flat().length, "there are bets that nobody sent");
  }
}

/** The end of a connection that a process holds: once it is killed it says nothing more. */
function endOfProcess(end: WireEnd, process: MemoryProcess): WireEnd {
  const whileAlive = () => {
    if (process.isKilled) throw new Deno.errors.BrokenPipe("the process was killed");
  };
  return {
    read: (bytes) => end.read(bytes),
    write: async (bytes) => {
      whileAlive();
      return await end.write(bytes);
    },
    closeWrite: async () => {
      whileAlive();
      await end.closeWrite();
    },
    // The network ends what the process has left open.
    close: () => {
      if (!process.isKilled) end.close();
    },
  };
}

/** A ledger that stores whatever comes, whoever else has stored since. */
function trusting(ledger: Ledger): Ledger {
  return {
    notation: ledger.notation,
    failed: ledger.failed,
    append: (batch) => ledger.append(batch),
    close: (agency) => ledger.close(agency),
    progress: (agency) => ledger.progress(agency),
    digest: (agency) => ledger.digest(agency),
    draw: () => ledger.draw(),
    onChange: (listener) => ledger.onChange(listener),
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  };
}

function betsOf(rows: string[]) {
  let bytes = new TextEncoder().encode(rows.map((row) => `${row}\r\n`).join(""));
  const source = {
    read(into: Uint8Array): Promise<number | null> {
      if (bytes.length === 0) return Promise.resolve(null);
      const count = Math.min(into.length, bytes.length);
      into.set(bytes.subarray(0, count));
      bytes = bytes.subarray(count);
      return Promise.resolve(count);
    },
  };
  const lines = new BetLines(source, { name: "bets", today: TODAY, pieceBytes: 8192 });
  return { name: "bets", total: rows.length, read: () => lines.read() };
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
