/**
 * A real server in this process, on a disk in memory and a free port, and clients that speak bytes to it.
 *
 * @module
 */

import type { Ledger } from "../ledger/ledger.ts";
import { openFileLedger } from "../ledger/file/file_ledger.ts";
import { Server } from "../server.ts";
import type { ServerSettings } from "../settings.ts";
import { AGENCIES, keepLog, WINNING_NUMBER } from "./ledgers.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** Longer than anything takes that does not hang: a test then fails rather than hangs. */
const PATIENCE_MS = 20_000;
/** The real clock's, whatever a test has put in their place later. */
const { setTimeout: startTimer, clearTimeout: stopTimer } = globalThis;

/** What a test wants of its server; the rest is the settings' default. */
export interface TestServerOptions extends Partial<ServerSettings> {
  /** Several servers may share one. @default {an empty one} */
  disk?: MemoryDisk;
}

/** A server that is stopped at the end of its block. */
export interface TestServer extends AsyncDisposable {
  server: Server;
  disk: MemoryDisk;
  /** Its log lines, from the action on. */
  lines: string[];
  /** What its ledger said when it could not go on. */
  failures: Error[];
  /** Settles when the server next looks whether every agency has closed. */
  looked: () => Promise<void>;
  connect: () => Promise<TestClient>;
  stop: () => Promise<void>;
}

/** Starts a server. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { disk = new MemoryDisk(), ...changed } = options;
  const { log, lines } = keepLog();
  const failures: Error[] = [];
  const settings: ServerSettings = {
    port: 0,
    listenBacklog: 128,
    broadcastIp: "127.255.255.255",
    broadcastPort: 0,
    agencies: AGENCIES,
    logLevel: "DEBUG",
    listenIp: "127.0.0.1",
    reusePort: changed.broadcastPort !== undefined,
    connectionsMax: 512,
    waitingMax: 1024,
    packetBytesMax: 64 * 1024,
    idleMs: 60_000,
    crowdedIdleMs: 5_000,
    drawPollMs: 3_600_000,
    winningNumber: WINNING_NUMBER,
    sharedVolume: "",
    ...changed,
  };
  const ledger = await openFileLedger(disk.process(), {
    agencies: settings.agencies,
    winningNumber: settings.winningNumber,
    log,
    onFailure: (error) => failures.push(error),
  });
  const looks = watchLooks(ledger);
  const server = new Server(settings, ledger, log);
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
    looked: looks,
    connect: () => TestClient.connect(server.port),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Tells when a ledger is next asked whether it is complete. */
function watchLooks(ledger: Ledger): () => Promise<void> {
  const watching = new Set<() => void>();
  const isComplete = ledger.isComplete.bind(ledger);
  ledger.isComplete = () => {
    for (const tell of watching) tell();
    watching.clear();
    return isComplete();
  };
  return () =>
    new Promise((resolve, reject) => {
      const timer = startTimer(() => reject(new Error("the server does not look")), PATIENCE_MS);
      watching.add(() => {
        stopTimer(timer);
        resolve();
      });
    });
}

/** A client that sends and receives text, and hides nothing. */
export class TestClient implements Disposable {
  readonly connection: Deno.TcpConn;
  /** Whether the server has ended the connection without reading all that was sent. */
  wasReset = false;
  #received = "";
  #isOpen = true;
  readonly #decoder = new TextDecoder();

  private constructor(connection: Deno.TcpConn) {
    this.connection = connection;
  }

  /** Connects to a port of this host. */
  static async connect(port: number): Promise<TestClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new TestClient(connection);
  }

  /** Sends all of `data`. */
  async send(data: string | Uint8Array): Promise<void> {
    let bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    while (bytes.length > 0) bytes = bytes.subarray(await this.connection.write(bytes));
  }

  /** Sends `data`, of which the server may have had enough before its end. */
  async sendWhatIsTaken(data: Uint8Array): Promise<void> {
    try {
      await this.send(data);
    } catch {
      // The server has closed.
    }
  }

  /** Sends `data` and waits for one line. */
  async ask(data: string): Promise<string> {
    await this.send(data);
    return await this.line();
  }

  /** Sends no more; what was asked is still answered. */
  async endSending(): Promise<void> {
    await this.connection.closeWrite();
  }

  /** The next line, its end included; what there is if the connection ends before that. */
  async line(): Promise<string> {
    while (!this.#received.includes("\n")) {
      if (!await this.#receive(64 * 1024)) break;
    }
    const end = this.#received.indexOf("\n") + 1;
    const line = end === 0 ? this.#received : this.#received.slice(0, end);
    this.#received = this.#received.slice(line.length);
    return line;
  }

  /** All that comes until the server ends the connection, read in pieces of up to `bytes`. */
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
