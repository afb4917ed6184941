/**
 * A real server in this process, on a disk in memory and a free port, and clients that send it bytes.
 *
 * @module
 */

import type { Ledger } from "../ledger/ledger.ts";
import { DrawSignal } from "../ledger/file/draw_signal.ts";
import { openFileLedger } from "../ledger/file/file_ledger.ts";
import { Server } from "../server.ts";
import type { ServerSettings } from "../settings.ts";
import type { Listener } from "../transport/listener.ts";
import { AGENCIES, keepLog, LOG_BYTES, WINNING_NUMBER } from "./ledgers.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** Longer than anything takes: a test fails rather than hangs. */
const PATIENCE_MS = 20_000;
/** The real timers, whichever fake a test installs later. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** Settings that a test changes; the others have their defaults. */
export interface TestServerOptions extends Partial<ServerSettings> {
  /** Several servers may share one. @default {an empty one} */
  disk?: MemoryDisk;
  /** Whether durations are measured by the server's own clock, which no test can fake. @default {false} */
  hasOwnClock?: boolean;
}

/** A server that stops at the end of its block. */
export interface TestServer extends AsyncDisposable {
  server: Server;
  disk: MemoryDisk;
  /** Its log lines, each from its action on. */
  lines: string[];
  /** The reason why its ledger has failed, if it has. */
  failures: Error[];
  /** Waits until the server has logged `count` lines with such a part. @default {1} */
  logged: (part: string, count?: number) => Promise<void>;
  /** Waits until the server next asks its ledger for the draw. */
  looked: () => Promise<void>;
  /** Errors with which the server's next accepts fail. */
  acceptErrors: Error[];
  /** Connects, as if from the address `source`. */
  connect: (source?: string) => Promise<TestClient>;
  stop: () => Promise<void>;
}

/** Starts a server. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { disk = new MemoryDisk(), hasOwnClock = false, ...changed } = options;
  const { log, lines } = keepLog();
  const failures: Error[] = [];
  const settings: ServerSettings = {
    port: 0,
    listenBacklog: 128,
    broadcastIp: "127.255.255.255",
    broadcastPort: 0,
    agencies: AGENCIES,
    logLevel: "DEBUG",
    logFormat: "text",
    listenIp: "127.0.0.1",
    reusePort: changed.broadcastPort !== undefined,
    connectionsMax: 512,
    connectionsPerAddressMax: 128,
    connectionsPerAgencyMax: undefined,
    betsPerSecondMax: undefined,
    trustedProxies: [],
    waitingMax: 1024,
    agenciesPerConnectionMax: 100,
    packetBytesMax: 64 * 1024,
    idleMs: 60_000,
    crowdedIdleMs: 5_000,
    drawPollMs: 3_600_000,
    statusPort: undefined,
    statusIp: "127.0.0.1",
    tls: undefined,
    statusTls: undefined,
    agencyKeys: undefined,
    winningNumber: WINNING_NUMBER,
    sharedVolume: "",
    ledger: { engine: "files" },
    audit: undefined,
    ...changed,
  };
  const signal = new DrawSignal({
    ip: settings.broadcastIp,
    port: settings.broadcastPort,
    shared: settings.reusePort,
    log,
  });
  const ledger = await openFileLedger(disk.process(), {
    agencies: settings.agencies,
    winningNumber: settings.winningNumber,
    log,
    signal,
    pollMs: settings.drawPollMs,
    logBytes: LOG_BYTES,
  });
  ledger.failed.then((error) => failures.push(error));
  const looked = watchLooks(ledger);
  const listener = settings.tls === undefined ? new TestListener() : undefined;
  const now = hasOwnClock ? undefined : () => Date.now();
  const server = new Server(settings, { ledger, log, now, listen: listener && (() => listener) });
  const running = server.run();
  const stop = async () => {
    await server.stop();
    await running;
  };
  return {
    server,
    disk,
    lines,
    failures,
    logged: (part, count = 1) => untilLogged(lines, part, count),
    looked,
    acceptErrors: listener?.errors ?? [],
    connect: (source) => {
      listener?.sources.push(source);
      return TestClient.connect(server.port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A listener that fails on demand, and whose connections come from addresses of the test's choice. */
class TestListener implements Listener {
  readonly errors: Error[] = [];
  /** The addresses of the next connections. Where there is none, the address is the real one. */
  readonly sources: (string | undefined)[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  async accept(): Promise<Deno.TcpConn> {
    const error = this.errors.shift();
    if (error !== undefined) throw error;
    const connection = await this.#listener.accept();
    const hostname = this.sources.shift();
    if (hostname !== undefined) {
      const remoteAddr: Deno.NetAddr = { ...connection.remoteAddr, hostname };
      Object.defineProperty(connection, "remoteAddr", { value: remoteAddr });
    }
    return connection;
  }

  close(): void {
    this.#listener.close();
  }
}

async function untilLogged(lines: string[], part: string, count: number): Promise<void> {
  const startMs = performance.now();
  while (lines.filter((line) => line.includes(part)).length < count) {
    if (performance.now() - startMs > PATIENCE_MS) {
      throw new Error(`the server has not logged "${part}" ${count} times:\n${lines.join("\n")}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Returns a function that waits until the ledger is next asked for the draw. */
function watchLooks(ledger: Ledger): () => Promise<void> {
  const watching = new Set<() => void>();
  const draw = ledger.draw.bind(ledger);
  ledger.draw = () => {
    for (const notify of watching) notify();
    watching.clear();
    return draw();
  };
  return () =>
    new Promise((resolve, reject) => {
      const timer = startTimer(() => reject(new Error("nobody asked for the draw")), PATIENCE_MS);
      watching.add(() => {
        stopTimer(timer);
        resolve();
      });
    });
}

/** A client that sends and receives text as it is. */
export class TestClient implements Disposable {
  readonly connection: Deno.Conn;
  /** Whether the server has ended the connection without reading all that was sent. */
  wasReset = false;
  #received = "";
  #isOpen = true;
  readonly #decoder = new TextDecoder();

  private constructor(connection: Deno.Conn) {
    this.connection = connection;
  }

  /** Connects to a port of this host. */
  static async connect(port: number): Promise<TestClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new TestClient(connection);
  }

  /** Connects to a port of this host over TLS, if its certificate is from `ca` and for `name`. */
  static async connectTls(
    port: number,
    { ca, name = "localhost" }: { ca: string; name?: string },
  ): Promise<TestClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const options = { hostname: name, caCerts: [ca] };
    return new TestClient(await Deno.startTls(connection, options));
  }

  /** Sends all of `data`. */
  async send(data: string | Uint8Array): Promise<void> {
    let bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    while (bytes.length > 0) bytes = bytes.subarray(await this.connection.write(bytes));
  }

  /** Sends `data`, which the server may refuse to read to its end. */
  async sendUntilClosed(data: Uint8Array): Promise<void> {
    try {
      await this.send(data);
    } catch {
      // The server has closed the connection.
    }
  }

  /** Sends `data` and waits for one line. */
  async ask(data: string): Promise<string> {
    await this.send(data);
    return await this.line();
  }

  /** Ends the sending half; the server still answers what it was asked. */
  async endSending(): Promise<void> {
    await this.connection.closeWrite();
  }

  /** Reads the next line, its end included, or what there is before the end of the connection. */
  async line(): Promise<string> {
    while (!this.#received.includes("\n")) {
      if (!await this.#receive(64 * 1024)) break;
    }
    const end = this.#received.indexOf("\n") + 1;
    const line = end === 0 ? this.#received : this.#received.slice(0, end);
    this.#received = this.#received.slice(line.length);
    return line;
  }

  /** Reads until the server ends the connection, in pieces of up to `bytes`. */
  async rest(bytes = 64 * 1024): Promise<string> {
    while (await this.#receive(bytes));
    const rest = this.#received;
    this.#received = "";
    return rest;
  }

  /** Ends the connection at once. */
  close(): void {
    if (this.#isOpen) this.connection.close();
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Receives up to `count` bytes; returns whether there were any. */
  async #receive(count: number): Promise<boolean> {
    const bytes = new Uint8Array(count);
    let isLate = false;
    const timer = startTimer(() => {
      isLate = true;
      this.close();
    }, PATIENCE_MS);
    try {
      const length = await this.connection.read(bytes);
      this.#received += this.#decoder.decode(bytes.subarray(0, length ?? 0), { stream: true });
      return length !== null;
    } catch (error) {
      if (isLate) throw new Error("the server does not answer");
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      this.wasReset = true;
      return false;
    } finally {
      stopTimer(timer);
    }
  }
}
