/**
 * Real servers and clients for tests: each its own process, on a free port, with a volume that is gone
 * afterwards.
 *
 * @module
 */

import { PROJECT_ROOT } from "../tools/project.ts";
import { CLIENT_PERMISSIONS, serverPermissions } from "../tools/run/permissions.ts";
import { ServiceProcess } from "../tools/run/service_process.ts";

const LOOPBACK = "127.0.0.1";
const LOOPBACK_BROADCAST = "127.255.255.255";
/** Longest wait for anything: a machine with much else to do is slow. */
const PATIENCE_MS = 60_000;
const STOP_GRACE_MS = 10_000;

/** How to start a program. */
export interface TestProcessOptions {
  /** @default {Deno} */
  command?: string;
  args: string[];
  /** @default {the project's root} */
  cwd?: string;
  /** Variables beside those of this process. */
  env: Record<string, string>;
}

/** A program whose lines are kept. */
export class TestProcess implements AsyncDisposable {
  readonly name: string;
  /** All that it has written. */
  readonly lines: string[] = [];
  readonly #process: ServiceProcess;
  readonly #waiting = new Set<() => void>();
  /** Whether it has ended. */
  hasEnded = false;

  constructor(name: string, options: TestProcessOptions) {
    const { command = Deno.execPath(), args, cwd = PROJECT_ROOT, env } = options;
    this.name = name;
    this.#process = new ServiceProcess({
      command,
      args,
      cwd,
      env: { ...Deno.env.toObject(), NO_COLOR: "1", ...env },
      onLine: (line) => {
        this.lines.push(line);
        this.#wake();
      },
    });
    this.#process.ended.then(() => {
      this.hasEnded = true;
      this.#wake();
    });
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number> {
    return within(this.#process.ended, `the end of ${this.name}`, () => this.output());
  }

  /** Waits for a line that is there already or comes. Fails if the program ends without it. */
  async line(pattern: RegExp): Promise<string> {
    const find = async () => {
      for (;;) {
        const found = this.lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        if (this.hasEnded) {
          throw new Error(`${this.name} has ended without ${pattern}:\n${this.output()}`);
        }
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    };
    return await within(find(), `${pattern} of ${this.name}`, () => this.output());
  }

  /** Sends a signal to it, if it still runs. */
  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Asks it to end. Returns its exit code. */
  stop(): Promise<number> {
    return this.#process.stop(STOP_GRACE_MS);
  }

  /** All it has written, for the message of a failure. */
  output(): string {
    return this.lines.map((line) => `${this.name} | ${line}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Which servers to start. */
export interface ServersOptions {
  servers: number;
  agencies: number;
  /** Settings beside those that a test needs. */
  env?: Record<string, string>;
}

/** Servers that share a port and a volume. */
export class TestServers implements AsyncDisposable {
  readonly port: number;
  /** The folder of bets.csv and agencies_closed.txt. */
  readonly volume: string;
  /** Every server that was ever started here. */
  readonly all: TestProcess[] = [];
  #running: TestProcess[] = [];
  readonly #options: ServersOptions;
  readonly #broadcastPort: number;

  private constructor(options: ServersOptions, volume: string) {
    this.#options = options;
    this.volume = volume;
    this.port = freePort("tcp");
    this.#broadcastPort = freePort("udp");
  }

  /** Starts servers on an empty volume; they listen when this resolves. */
  static async start(options: ServersOptions): Promise<TestServers> {
    const servers = new TestServers(options, await Deno.makeTempDir({ prefix: "lottery volume " }));
    try {
      await servers.startAgain();
      return servers;
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** How many servers there are at a time. */
  get size(): number {
    return this.#options.servers;
  }

  /** Where clients find the servers. */
  get address(): string {
    return `${LOOPBACK}:${this.port}`;
  }

  /** Starts as many servers as before, on the same volume. */
  async startAgain(): Promise<void> {
    for (let index = 0; index < this.#options.servers; index++) {
      this.#running.push(this.#start(`server${this.all.length + 1}`));
    }
    await Promise.all(
      this.#running.map((server) => server.line(/action: listen \| result: success/)),
    );
  }

  /** Asks all servers to end. Returns their exit codes. */
  async stop(): Promise<number[]> {
    const stopping = this.#running;
    this.#running = [];
    return await Promise.all(stopping.map((server) => server.stop()));
  }

  /** Ends all servers without a warning, as a power cut would. */
  async kill(): Promise<void> {
    const killed = this.#running;
    this.#running = [];
    for (const server of killed) server.signal("SIGKILL");
    await Promise.all(killed.map((server) => server.ended()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.volume, { recursive: true });
  }

  #start(name: string): TestProcess {
    const permissions = serverPermissions({ projectRoot: PROJECT_ROOT, sharedVolume: this.volume });
    const server = new TestProcess(name, {
      args: ["run", "--quiet", ...permissions, "server/main.ts"],
      env: {
        SERVER_PORT: String(this.port),
        SERVER_LISTEN_IP: LOOPBACK,
        SERVER_REUSE_PORT: "true",
        UDP_BROADCAST_IP: LOOPBACK_BROADCAST,
        UDP_BROADCAST_PORT: String(this.#broadcastPort),
        AGENCIES_AMOUNT: String(this.#options.agencies),
        SHARED_VOLUME: this.volume,
        ...this.#options.env,
      },
    });
    this.all.push(server);
    return server;
  }
}

/** Starts servers: `await using servers = await startServers({ servers: 3, agencies: 5 })`. */
export function startServers(options: ServersOptions): Promise<TestServers> {
  return TestServers.start(options);
}

/** Which client to start. */
export interface ClientOptions {
  agency: number;
  /** `host:port` of the servers. */
  address: string;
  /** The folder of agency-N.csv. */
  data: string;
  /** The executable file of the client. @default {its source, by Deno} */
  program?: string;
  /** Settings beside those that a test needs. */
  env?: Record<string, string>;
}

/** Starts a client on an agency's whole work. */
export function startClient({ agency, address, data, program, env }: ClientOptions): TestProcess {
  const source = ["run", "--quiet", ...CLIENT_PERMISSIONS, "client/main.ts"];
  return new TestProcess(`client${agency}`, {
    command: program,
    args: program === undefined ? source : [],
    env: { CLI_ID: String(agency), CLI_SERVER_ADDRESS: address, CLI_DATA: data, ...env },
  });
}

/** A port of this machine that nobody uses at the moment. */
export function freePort(transport: "tcp" | "udp"): number {
  const options = { hostname: LOOPBACK, port: 0 };
  const socket = transport === "tcp"
    ? Deno.listen(options)
    : Deno.listenDatagram({ ...options, transport });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}

/** What a promise resolves to, unless it takes too long. */
export async function within<Value>(
  promise: Promise<Value>,
  what: string,
  explain: () => string = () => "",
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${PATIENCE_MS / 1000} s for ${what}\n${explain()}`)),
      PATIENCE_MS,
    );
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
