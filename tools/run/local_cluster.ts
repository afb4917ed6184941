/**
 * Servers and clients as processes on this machine, without containers. The servers share one port of
 * 127.0.0.1, among which the kernel deals out connections, and hear broadcasts to 127.255.255.255.
 *
 * @module
 */

import { type Agreement, passedOn } from "./agreement.ts";
import { datasetFolder } from "./bets_folder.ts";
import { aborted, type ClusterOptions, type ServerEnds } from "./cluster.ts";
import { serviceNames } from "./compose_file.ts";
import { TASK, TaskError } from "../flags.ts";
import { parseAction } from "./log_lines.ts";
import { CLIENT_PERMISSIONS, serverPermissions } from "./permissions.ts";
import { ServiceProcess } from "./service_process.ts";
import { volumeOf } from "./volume.ts";

const LOOPBACK = "127.0.0.1";
const LOOPBACK_BROADCAST = "127.255.255.255";
/** A server promises to end within two seconds; a busy machine gets some more. */
const STOP_GRACE_MS = 5000;

/** Settings of the environment that are those of a service, and so must not reach it by chance. */
const OURS =
  /^(SERVER_|UDP_|CLI_|AGENCIES_AMOUNT$|SHARED_VOLUME$|DRAW_POLL_SECONDS$|LOTTERY_|LOGGING_LEVEL$)|^(NOMBRE|APELLIDO|DOCUMENTO|NACIMIENTO|NUMERO)$/;

/** Runs servers and clients as processes. */
export async function runLocally(options: ClusterOptions): Promise<ServerEnds> {
  const cluster = new LocalCluster(options);
  try {
    await Promise.race([cluster.startServers(), aborted(options.stop)]);
    if (!options.stop.aborted) cluster.startClients();
    await Promise.race([options.watch.outcome, aborted(options.stop)]);
  } finally {
    await cluster.stop();
  }
  return cluster.serverEnds;
}

/**
 * Makes sure that the servers can have their ports.
 *
 * @throws {TaskError} If this system cannot share a port among them, or another program listens on it: a server of ours
 * would share it with another, so that clients would come to servers of another cluster.
 */
export function assertPortsCanBeHad({ lottery, server }: Agreement): void {
  if (lottery.servers > 1 && Deno.build.os !== "linux") {
    throw new TaskError(
      `Without Docker, several servers share one port, and only Linux can do that: start Docker, or set ` +
        `SERVERS=1 in .env`,
    );
  }
  const port = lottery.serverPort;
  assertFree(
    () => Deno.listen({ hostname: LOOPBACK, port }),
    `Port ${port} of ${LOOPBACK} is in use by another program: end it (${TASK} down ends servers that ` +
      `were left behind), or change SERVER_PORT in .env and server/config.ini and server.address in ` +
      `client/config.yaml`,
  );
  const udpPort = server.broadcastPort;
  assertFree(
    () => Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: udpPort }),
    `UDP port ${udpPort} is in use by another program: end it, or change UDP_BROADCAST_PORT in ` +
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

class LocalCluster {
  readonly serverEnds: ServerEnds = new Map();
  readonly #options: ClusterOptions;
  readonly #servers: ServiceProcess[] = [];
  readonly #clients: ServiceProcess[] = [];
  readonly #started: number[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Starts the servers and waits until each listens. */
  async startServers(): Promise<void> {
    const { lottery } = this.#options.agreement;
    await Promise.all(serviceNames(lottery).servers.map((name) => this.#startServer(name)));
  }

  startClients(): void {
    const { root, agreement, watch } = this.#options;
    const { lottery } = agreement;
    for (const [index, name] of watch.names().entries()) {
      const client = this.#start(name, {
        program: [...CLIENT_PERMISSIONS, "client/main.ts"],
        env: {
          ...passedOn(agreement).client,
          CLI_ID: String(index + 1),
          CLI_CONFIG: `${root}/client/config.yaml`,
          CLI_SERVER_ADDRESS: `${LOOPBACK}:${lottery.serverPort}`,
          CLI_DATA: datasetFolder(root, lottery.dataset),
        },
        onLine: (line) => watch.line(name, line),
      });
      this.#clients.push(client);
      client.ended.then((exitCode) => watch.end(name, exitCode));
    }
  }

  /** Stops clients, then servers, and waits for all of them. */
  async stop(): Promise<void> {
    // A terminal sends Ctrl-C to the whole group of processes; a second signal would end them at once.
    const isTold = this.#options.stop.reason === "SIGINT" && Deno.stdin.isTerminal();
    for (const services of [this.#clients, this.#servers]) {
      if (isTold) await endedWithin(services, STOP_GRACE_MS);
      await Promise.all(services.map((service) => service.stop(STOP_GRACE_MS)));
    }
  }

  #startServer(name: string): Promise<void> {
    const { root, agreement } = this.#options;
    const sharedVolume = volumeOf(root);
    const listening = Promise.withResolvers<void>();
    const server = this.#start(name, {
      program: [...serverPermissions({ projectRoot: root, sharedVolume }), "server/main.ts"],
      env: {
        ...passedOn(agreement).server,
        SERVER_CONFIG: `${root}/server/config.ini`,
        SERVER_LISTEN_IP: LOOPBACK,
        SERVER_REUSE_PORT: "true",
        UDP_BROADCAST_IP: LOOPBACK_BROADCAST,
        SHARED_VOLUME: sharedVolume,
      },
      onLine: (line) => {
        const logged = parseAction(line);
        if (logged?.action === "listen" && logged.result === "success") listening.resolve();
      },
    });
    this.#servers.push(server);
    server.ended.then((exitCode) => {
      this.serverEnds.set(name, exitCode);
      const reason =
        `${name} ended with exit code ${exitCode} before it took connections: see its lines`;
      listening.reject(new TaskError(reason));
    });
    return listening.promise;
  }

  #start(
    name: string,
    { program, env, onLine }: {
      program: string[];
      env: Record<string, string>;
      onLine: (line: string) => void;
    },
  ): ServiceProcess {
    const { root, printer, onStart } = this.#options;
    const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => !OURS.test(name));
    const service = new ServiceProcess({
      command: Deno.execPath(),
      args: ["run", "--quiet", ...program],
      cwd: root,
      env: { ...Object.fromEntries(inherited), ...env },
      onLine: (line) => {
        printer.line(name, line);
        onLine(line);
      },
    });
    this.#started.push(service.pid);
    onStart(this.#started);
    return service;
  }
}

/** Waits until all services have ended, or for `timeoutMs`. */
async function endedWithin(services: ServiceProcess[], timeoutMs: number): Promise<void> {
  const timeout = AbortSignal.timeout(timeoutMs);
  await Promise.race([Promise.all(services.map(({ ended }) => ended)), aborted(timeout)]);
}
