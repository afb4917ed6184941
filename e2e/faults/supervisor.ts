/**
 * Starts, stops, continues and kills real server and client processes. It signals only what it has
 * started, by the handle it has of it, and leaves nothing behind.
 *
 * @module
 */

import { placeOf } from "./paths.ts";
import type { Address } from "./line_connection.ts";
import { WINNING_NUMBER } from "./made_bets.ts";

const SERVER_MAIN = placeOf("../../server/main.ts");
const CLIENT_MAIN = placeOf("../../client/main.ts");
const PRELOAD = placeOf("./preload.ts");
const CONFIG = placeOf("../../deno.json");

const LINE_PATIENCE_MS = 20_000;
const WINNERS_SECONDS = 3;
const HOST = "127.0.0.1";
/** Reaches every server of this machine that shares the port. */
const LOOPBACK_BROADCAST = "127.255.255.255";

/** A process of ours. It is dead at the end of its block. */
export class Supervised implements AsyncDisposable {
  static readonly #running = new Set<Supervised>();
  /** What it has written, stdout and stderr. */
  readonly lines: string[] = [];
  /** Comes when it has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #onLine = new Set<(line: string) => void>();
  #isRunning = true;

  constructor(command: string, options: Deno.CommandOptions) {
    const piped = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    this.#child = new Deno.Command(command, { ...options, ...piped }).spawn();
    this.#reading = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
    Supervised.#running.add(this);
    this.ended = this.#child.status.then((status) => {
      this.#isRunning = false;
      Supervised.#running.delete(this);
      return status;
    });
  }

  /** Kills every one that still runs, for a program that has to end now. */
  static killAll(): void {
    for (const process of Supervised.#running) process.signal("SIGKILL");
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Sends a signal, if there is still someone to get it. */
  signal(signal: Deno.Signal): void {
    if (!this.#isRunning) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended a moment ago.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Kills it, and waits until it is dead and all it wrote is read. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
    await this.#reading;
  }

  /** Sends SIGTERM and waits for the end. */
  async terminate(): Promise<{ code: number; tookMs: number }> {
    const begin = performance.now();
    this.signal("SIGTERM");
    const { code } = await this.ended;
    const tookMs = performance.now() - begin;
    await this.#reading;
    return { code, tookMs };
  }

  /**
   * Waits for a line, or finds it among those that have come.
   *
   * @throws {Error} If it does not come, with what came instead.
   */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (const line of this.lines) {
      const match = pattern.exec(line);
      if (match !== null) return match;
    }
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (line: string) => {
      const match = pattern.exec(line);
      if (match !== null) resolve(match);
    };
    const fail = (why: string) =>
      reject(new Error(`Cannot find ${pattern} in the output: ${why}:\n${this.tail()}`));
    const timer = setTimeout(() => fail("it has not come"), LINE_PATIENCE_MS);
    this.#onLine.add(look);
    void this.ended.then(() => this.#reading).then(() => fail("the process has ended"));
    return await promise.finally(() => {
      clearTimeout(timer);
      this.#onLine.delete(look);
    });
  }

  /** How many lines match. */
  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** Megabytes of memory that it had at once, at the most. Linux only. */
  peakMemory(): number {
    const status = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024);
  }

  /** Whether it is stopped by SIGSTOP. Linux only. */
  isStopped(): boolean {
    if (!this.#isRunning) return false;
    return /^State:\s+T/m.test(Deno.readTextFileSync(`/proc/${this.pid}/status`));
  }

  /** Whether it holds a lock of flock(2) now. Linux only. */
  holdsLock(): boolean {
    const held = new RegExp(`^\\d+: FLOCK +ADVISORY +WRITE ${this.pid} `, "m");
    return held.test(Deno.readTextFileSync("/proc/locks"));
  }

  /** The last lines. */
  tail(): string {
    return this.lines.slice(-15).map((line) => `    ${line}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    if (rest !== "") this.#take(rest);
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const look of [...this.#onLine]) look(line);
  }
}

/** Options of {@linkcode Cluster.start}. */
export interface ClusterOptions {
  servers: number;
  agencies: number;
  /** The shared folder. @default {a new one, removed at the end} */
  volume?: string;
  /**
   * All servers listen on one port, and the system shares out the connections; else each has its own.
   * @default {false}
   */
  sharedPort?: boolean;
  /** Servers broadcast where no other one listens: as if every datagram were lost. @default {false} */
  losesBroadcasts?: boolean;
  /** LOTTERY_FAULTS for each server's first start, in their order; see preload.ts. */
  faults?: readonly string[];
  /** Protections that are off in every server, at every start; see preload.ts. */
  unsafe?: readonly string[];
  /** Settings beside those that the harness chooses. */
  environment?: Record<string, string>;
  /** How many files each server may have open (`ulimit -n`). @default {as many as this process} */
  openFilesMax?: number;
}

/** A server of the cluster: its process changes, its place stays. */
export class Server {
  readonly name: string;
  /** Every process that it had, the running one last. */
  readonly processes: Supervised[] = [];
  readonly #start: (port: number, isFirst: boolean) => Supervised;
  #port: number;

  constructor(name: string, port: number, start: (port: number, isFirst: boolean) => Supervised) {
    this.name = name;
    this.#port = port;
    this.#start = start;
  }

  get address(): Address {
    return { hostname: HOST, port: this.#port };
  }

  /** The process it has, or had last. */
  get process(): Supervised {
    return this.processes[this.processes.length - 1];
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const process = this.#start(this.#port, this.processes.length === 0);
    this.processes.push(process);
    const [, port] = await process.line(/action: listen \| result: success .*port: (\d+)/);
    this.#port = Number(port);
  }
}

/** Servers on one shared volume. */
export class Cluster implements AsyncDisposable {
  readonly servers: Server[] = [];
  readonly volume: string;
  readonly options: ClusterOptions;
  /** Hears every broadcast, and can forge one. */
  readonly datagrams: Deno.DatagramConn;
  readonly #isOwnVolume: boolean;

  private constructor(options: ClusterOptions) {
    this.options = options;
    this.#isOwnVolume = options.volume === undefined;
    this.volume = options.volume ?? Deno.makeTempDirSync({ prefix: "lottery-faults-" });
    this.datagrams = Deno.listenDatagram({
      transport: "udp",
      hostname: "0.0.0.0",
      port: 0,
      reuseAddress: true,
    });
  }

  /** Starts all servers and waits until they listen. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      await cluster.#startServers();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Where broadcasts go. */
  get broadcast(): Address {
    return { hostname: LOOPBACK_BROADCAST, port: (this.datagrams.addr as Deno.NetAddr).port };
  }

  /** Every process of every server, those that were killed among them. */
  get processes(): Supervised[] {
    return this.servers.flatMap(({ processes }) => processes);
  }

  /** Sends a datagram to all servers. */
  async sendDatagram(payload: string): Promise<void> {
    const target: Deno.NetAddr = { transport: "udp", ...this.broadcast };
    await this.datagrams.send(new TextEncoder().encode(payload), target);
  }

  /** Starts every server that does not run. */
  async startAll(): Promise<void> {
    await Promise.all(
      this.servers.filter((server) => !server.process.isRunning).map((server) => server.start()),
    );
  }

  /** bets.csv as it is now. */
  readBets(): Uint8Array {
    return Deno.readFileSync(`${this.volume}/bets.csv`);
  }

  /** agencies_closed.txt as it is now. */
  readClosed(): string {
    return Deno.readTextFileSync(`${this.volume}/agencies_closed.txt`);
  }

  /** Bytes in bets.csv now; none where a power cut has not even left its name. */
  betsSize(): number {
    try {
      return Deno.statSync(`${this.volume}/bets.csv`).size;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  /** How many lines of all servers, living and dead, match. */
  countLines(pattern: RegExp): number {
    return this.processes.reduce((sum, process) => sum + process.count(pattern), 0);
  }

  /** What the servers wrote last, for a failure's message. */
  tail(): string {
    return this.servers.map((server) => `  ${server.name}:\n${server.process.tail()}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
    this.datagrams.close();
    if (this.#isOwnVolume) await Deno.remove(this.volume, { recursive: true });
  }

  async #startServers(): Promise<void> {
    for (let index = 0; index < this.options.servers; index++) {
      const port = this.options.sharedPort && index > 0 ? this.servers[0].address.port : 0;
      const server = new Server(
        `server${index + 1}`,
        port,
        (port, isFirst) => this.#spawn(port, isFirst ? this.options.faults?.[index] : undefined),
      );
      this.servers.push(server);
      await server.start();
    }
  }

  #spawn(port: number, faults: string | undefined): Supervised {
    const { agencies, losesBroadcasts, unsafe = [], environment, openFilesMax } = this.options;
    const allFaults = [...unsafe, ...(faults ? [faults] : [])];
    const preload = allFaults.length > 0 ? ["--preload", PRELOAD] : [];
    const command = [
      ...openFilesMax === undefined
        ? []
        : ["sh", "-c", `ulimit -n ${openFilesMax}; exec "$@"`, "sh"],
      ...[Deno.execPath(), "run", "-A", "--no-prompt", "--config", CONFIG, ...preload, SERVER_MAIN],
    ];
    return new Supervised(command[0], {
      args: command.slice(1),
      env: {
        SERVER_PORT: String(port),
        SERVER_LISTEN_IP: HOST,
        SERVER_LISTEN_BACKLOG: "128",
        SERVER_REUSE_PORT: "true",
        UDP_BROADCAST_IP: LOOPBACK_BROADCAST,
        UDP_BROADCAST_PORT: String(losesBroadcasts ? 0 : this.broadcast.port),
        AGENCIES_AMOUNT: String(agencies),
        LOGGING_LEVEL: "INFO",
        LOTTERY_WINNER_NUMBER: String(WINNING_NUMBER),
        SHARED_VOLUME: this.volume,
        LOTTERY_FAULTS: allFaults.join(","),
        ...environment,
      },
    });
  }
}

/** Options of {@linkcode startClient}. */
export interface ClientOptions {
  agency: number;
  address: Address;
  /** The folder of its agency-N.csv. */
  data: string;
  batchSize: number;
  /** How long it waits for an answer before it tries elsewhere. Seconds. */
  answerSeconds: number;
}

/** Starts the client program for one agency. */
export function startClient(options: ClientOptions): Supervised {
  const { agency, address, data, batchSize, answerSeconds } = options;
  return new Supervised(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--config", CONFIG, CLIENT_MAIN],
    env: {
      CLI_ID: String(agency),
      CLI_SERVER_ADDRESS: `${address.hostname}:${address.port}`,
      CLI_DATA: data,
      CLI_BATCH_SIZE: String(batchSize),
      CLI_LOG_LEVEL: "info",
      CLI_ANSWER_SECONDS: String(answerSeconds),
      CLI_RETRY_SECONDS: "60",
      // A connection may be swallowed while the client waits for the draw: do not wait long for that.
      CLI_WINNERS_SECONDS: String(WINNERS_SECONDS),
    },
  });
}
