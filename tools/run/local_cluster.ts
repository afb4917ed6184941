/**
 * Servers and clients as processes on this machine, without containers. The servers share one port
 * of 127.0.0.1, among which the kernel distributes connections, and receive broadcasts to
 * 127.255.255.255.
 *
 * @module
 */

import { PROJECT_ROOT, SHARED_VOLUME, TASK, TaskError } from "../project.ts";
import { datasetFolder } from "./bets_folder.ts";
import { type Cluster, type RunOptions, settledWithin } from "./cluster.ts";
import { parseAction } from "./log_lines.ts";
import { serviceNames } from "./lottery_settings.ts";
import {
  CLIENT_PASSED_ON,
  clientPermissions,
  SERVER_PASSED_ON,
  serverPermissions,
} from "./permissions.ts";
import { loweredLogLevels, type RunSettings } from "./run_settings.ts";
import { ServiceProcess } from "./service_process.ts";

const LOOPBACK = "127.0.0.1";
const LOOPBACK_BROADCAST = "127.255.255.255";
/** A server promises to end within two seconds; a busy machine needs more. */
const STOP_GRACE_MS = 5000;

/** Settings of servers and clients, which inherit only those that `up` passes on. */
const SERVICE_VARIABLES =
  /^(SERVER_|UDP_|CLI_|AGENCIES_AMOUNT$|SHARED_VOLUME$|DRAW_POLL_SECONDS$|LOTTERY_|LOGGING_LEVEL$)|^(NOMBRE|APELLIDO|DOCUMENTO|NACIMIENTO|NUMERO)$/;
const PASSED_ON = [...SERVER_PASSED_ON, ...CLIENT_PASSED_ON];

/** Runs servers and clients as processes. */
export const LOCAL_CLUSTER: Cluster = {
  prepare: assertPortsFree,
  run: async (options) => {
    const { finished, stop } = options;
    const processes = new LocalProcesses(options);
    try {
      await Promise.race([processes.startServers(), finished]);
      if (!stop.aborted) processes.startClients();
      await finished;
    } finally {
      await processes.stop();
    }
  },
};

/**
 * Checks that the servers can have their ports.
 *
 * @throws {TaskError} If this system cannot share a port among servers, or another program listens
 * on it: a server of another cluster would share it, and receive connections of our clients.
 */
function assertPortsFree({ lottery, server }: RunSettings): void {
  if (lottery.servers > 1 && Deno.build.os !== "linux") {
    throw new TaskError(
      `Without Docker several servers share one port, which only works on Linux: start Docker, or set ` +
        `SERVERS=1 in .env`,
    );
  }
  const port = lottery.serverPort;
  assertFree(
    () => Deno.listen({ hostname: LOOPBACK, port }),
    `Port ${port} of ${LOOPBACK} is in use by another program: stop it (${TASK} down stops servers of an ` +
      `earlier run), or change SERVER_PORT in .env and server/config.ini and server.address in ` +
      `client/config.yaml`,
  );
  const udpPort = server.broadcastPort;
  assertFree(
    () => Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: udpPort }),
    `UDP port ${udpPort} is in use by another program: stop it, or change UDP_BROADCAST_PORT in ` +
      `server/config.ini`,
  );
}

function assertFree(listen: () => { close(): void }, reason: string): void {
  try {
    listen().close();
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw new TaskError(reason);
    throw error;
  }
}

class LocalProcesses {
  readonly #options: RunOptions;
  readonly #env: Record<string, string>;
  readonly #servers: ServiceProcess[] = [];
  readonly #clients: ServiceProcess[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
    const inherited = Object.entries(Deno.env.toObject())
      .filter(([name]) => PASSED_ON.includes(name) || !SERVICE_VARIABLES.test(name));
    this.#env = { ...Object.fromEntries(inherited), ...loweredLogLevels(options.settings) };
  }

  /** Starts the servers, and waits until all of them listen. */
  async startServers(): Promise<void> {
    const { servers } = serviceNames(this.#options.settings.lottery);
    await Promise.all(servers.map((name) => this.#startServer(name)));
  }

  startClients(): void {
    const { lottery } = this.#options.settings;
    const config = `${PROJECT_ROOT}/client/config.yaml`;
    const address = `${LOOPBACK}:${lottery.serverPort}`;
    const data = datasetFolder(lottery.dataset);
    const permissions = clientPermissions({ net: [address], read: [config, data] });
    for (const [index, name] of serviceNames(lottery).clients.entries()) {
      this.#start(this.#clients, name, {
        program: [...permissions, "client/main.ts"],
        env: {
          CLI_ID: String(index + 1),
          CLI_CONFIG: config,
          CLI_SERVER_ADDRESS: address,
          CLI_DATA: data,
        },
      });
    }
  }

  /** Stops the clients, then the servers, and waits for all of them. */
  async stop(): Promise<void> {
    // A terminal sends Ctrl-C to all of its processes; a second signal would end them at once.
    const isSignalled = this.#options.stop.reason === "SIGINT" && Deno.stdin.isTerminal();
    for (const services of [this.#clients, this.#servers]) {
      const ended = Promise.all(services.map((service) => service.ended));
      if (isSignalled) await settledWithin(ended, STOP_GRACE_MS);
      await Promise.all(services.map((service) => service.stop(STOP_GRACE_MS)));
    }
  }

  async #startServer(name: string): Promise<void> {
    const listening = Promise.withResolvers<void>();
    const { port, broadcastPort } = this.#options.settings.server;
    const config = `${PROJECT_ROOT}/server/config.ini`;
    const permissions = serverPermissions({
      config,
      sharedVolume: SHARED_VOLUME,
      network: { listenIp: LOOPBACK, port, broadcastIp: LOOPBACK_BROADCAST, broadcastPort },
    });
    const server = this.#start(this.#servers, name, {
      program: [...permissions, "server/main.ts"],
      env: {
        SERVER_CONFIG: config,
        SERVER_LISTEN_IP: LOOPBACK,
        SERVER_REUSE_PORT: "true",
        UDP_BROADCAST_IP: LOOPBACK_BROADCAST,
        SHARED_VOLUME,
      },
      onLine: (line) => {
        const logged = parseAction(line);
        if (logged?.action === "listen" && logged.result === "success") listening.resolve();
      },
    });
    server.ended.then((exitCode) => {
      const reason = `${name} ended with exit code ${exitCode} before it listened: see its lines`;
      listening.reject(new TaskError(reason));
    });
    await listening.promise;
  }

  #start(kind: ServiceProcess[], name: string, { program, env, onLine }: Service): ServiceProcess {
    const options = this.#options;
    const service = new ServiceProcess({
      command: Deno.execPath(),
      args: ["run", "--quiet", ...program],
      cwd: PROJECT_ROOT,
      env: { ...this.#env, ...env },
      onLine: (line) => {
        options.onLine(name, line);
        onLine?.(line);
      },
    });
    service.ended.then((exitCode) => options.onEnd(name, exitCode));
    kind.push(service);
    options.onStart([...this.#servers, ...this.#clients].map(({ pid }) => pid));
    return service;
  }
}

/** How to start a server or client. */
interface Service {
  program: string[];
  env: Record<string, string>;
  onLine?: (line: string) => void;
}
