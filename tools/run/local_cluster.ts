/**
 * Servers and clients as processes on this machine, without containers. The servers share one port
 * of 127.0.0.1, among which the kernel distributes connections, and receive broadcasts to
 * 127.255.255.255.
 *
 * @module
 */

import { AUDIT_FOLDER } from "../../server/audit/audit_files.ts";
import type { StatusAddress } from "../../shared/status/lottery_watch.ts";
import { assertNodePortsFree, LocalNodes } from "../nodes/local_nodes.ts";
import { findNatsServer } from "../nodes/nats_server.ts";
import { PROJECT_ROOT, SHARED_VOLUME, TASK, TaskError } from "../project.ts";
import { BOARD, boardProcess } from "./board.ts";
import { datasetFolder } from "./bets_folder.ts";
import { resultFile, RESULTS_FOLDER } from "./client_results.ts";
import { type Cluster, type RunOptions, settledWithin, startOrStop } from "./cluster.ts";
import { ledgerFiles, ledgerForProcesses } from "./ledger_nodes.ts";
import { LOOPBACK, LOOPBACK_BROADCAST } from "./loopback.ts";
import { serviceNames } from "./lottery_settings.ts";
import {
  CLIENT_PASSED_ON,
  clientPermissions,
  SERVER_PASSED_ON,
  serverFlags,
} from "./permissions.ts";
import { onRestartSignal, restartInTurn } from "./rolling_restart.ts";
import { loweredLogLevels, type RunSettings } from "./run_settings.ts";
import { makeSecureFiles, SECURE_FOLDER, SecureFiles } from "./secure_files.ts";
import { ServiceSupervisor } from "./service_supervisor.ts";
import { ServiceProcess } from "./service_process.ts";
import { statusAddresses } from "./status_addresses.ts";

const AUDIT_LOG = `${SHARED_VOLUME}/${AUDIT_FOLDER}`;
/** A server promises to end within two seconds; on a busy machine it may take longer. */
const STOP_GRACE_MS = 5000;

/** The variables that servers and clients read. They inherit only those of them that `up` passes on. */
const SERVICE_VARIABLES =
  /^(SERVER_|AUDIT_|AGENCY_KEYS$|UDP_|CLI_|LEDGER|AGENCIES_AMOUNT$|SHARED_VOLUME$|DRAW_POLL_SECONDS$|LOTTERY_|LOGGING_LEVEL$|LOG_FORMAT$|STATUS_|BOARD_)|^(NOMBRE|APELLIDO|DOCUMENTO|NACIMIENTO|NUMERO)$/;
const PASSED_ON = [...SERVER_PASSED_ON, ...CLIENT_PASSED_ON];

/** Runs nodes, servers and clients as processes. */
export const LOCAL_CLUSTER: Cluster = {
  prepare: async (settings, say) => {
    assertPortsFree(settings);
    if (settings.isSecure) await makeSecureFiles(settings.lottery, say);
    if (settings.lottery.publish.port > 0) {
      say("PUBLISH_PORT is for containers: servers that run as processes listen on loopback alone");
    }
    if (settings.lottery.ledger.kind !== "nodes") return;
    assertNodePortsFree(settings.lottery.nodePort);
    findNatsServer();
  },
  startNodes: async ({ settings, ...options }) => {
    const { nodePort } = settings.lottery;
    return await startOrStop(new LocalNodes({ server: findNatsServer(), nodePort, ...options }));
  },
  run: async (options) => {
    const { finished, stop } = options;
    const processes = new LocalProcesses(options);
    using _restarts = onRestartSignal(() => processes.restartServers());
    try {
      await Promise.race([processes.startServers(), finished]);
      if (!stop.aborted) processes.startClients();
      await finished;
    } finally {
      await processes.stop();
      // From here on, requests to restart them are ignored.
      await options.onServers([]);
    }
  },
  startBoard: ({ board, ...options }, servers) => {
    const { program, env } = boardProcess(board, servers);
    const onLine = (line: string) => options.onLine(BOARD, line);
    const service = spawnService({ program, env, onLine }, inheritedEnvironment(options.settings));
    options.onStart([service.pid]);
    service.ended.then((exitCode) => options.onEnd(BOARD, exitCode));
    return { stop: async () => void await service.stop(STOP_GRACE_MS) };
  },
};

/**
 * Checks that the servers can use their ports.
 *
 * @throws {TaskError} If several servers cannot share a port on this system, or another program listens on it:
 * a server of another cluster would share it, and receive connections of our clients.
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
  readonly #servers: ServiceSupervisor[] = [];
  readonly #clients: ServiceProcess[] = [];
  /** Where the servers report their status. */
  readonly #statusAddresses: readonly StatusAddress[];

  constructor(options: RunOptions) {
    this.#options = options;
    this.#statusAddresses = statusAddresses(serviceNames(options.settings.lottery).servers);
    this.#env = inheritedEnvironment(options.settings);
  }

  /** Starts the servers, and waits until all of them listen. */
  async startServers(): Promise<void> {
    this.#options.onStep("Starting the servers");
    await this.#options.onServers([...this.#statusAddresses]);
    await Promise.all(this.#statusAddresses.map((address) => this.#startServer(address)));
  }

  /** Restarts the servers, one after another. */
  async restartServers(): Promise<void> {
    const { onLine } = this.#options;
    const servers = this.#statusAddresses.map((address, index) => ({
      ...address,
      restart: () => this.#servers[index].restart(STOP_GRACE_MS),
    }));
    await restartInTurn(servers, onLine).catch((error) => onLine("up", (error as Error).message));
  }

  startClients(): void {
    this.#options.onStep("Starting the clients");
    const { lottery, isSecure } = this.#options.settings;
    const secure = SecureFiles.in(SECURE_FOLDER, lottery.serverName);
    const config = `${PROJECT_ROOT}/client/config.yaml`;
    const address = `${LOOPBACK}:${lottery.serverPort}`;
    const data = datasetFolder(lottery.dataset);
    const permissions = clientPermissions({
      net: [address],
      // It renames its result, which takes reading as well.
      read: [config, data, RESULTS_FOLDER, ...isSecure ? [SECURE_FOLDER] : []],
      write: [RESULTS_FOLDER],
    });
    for (const [index, name] of serviceNames(lottery).clients.entries()) {
      const agency = index + 1;
      const client = this.#spawn({
        program: [...permissions, "client/main.ts"],
        env: {
          CLI_ID: String(agency),
          CLI_CONFIG: config,
          CLI_SERVER_ADDRESS: address,
          CLI_DATA: data,
          CLI_RESULT: `${RESULTS_FOLDER}/${resultFile(agency)}`,
          ...isSecure && secure.clientEnvironment(agency),
        },
        onLine: (line) => this.#options.onLine(name, line),
      });
      client.ended.then((exitCode) => this.#options.onEnd(name, exitCode));
      this.#clients.push(client);
      this.#recordChildren();
    }
  }

  /** Stops the clients, then the servers, and waits for all of them. */
  async stop(): Promise<void> {
    // A terminal has sent Ctrl-C to all of its processes: a second signal would end them at once.
    const isSignalled = this.#options.stop.reason === "SIGINT" && Deno.stdin.isTerminal();
    for (const services of [this.#clients, this.#servers]) {
      const ended = Promise.all(services.map((service) => service.ended));
      if (isSignalled) await settledWithin(ended, STOP_GRACE_MS);
      await Promise.all(services.map((service) => service.stop(STOP_GRACE_MS)));
    }
  }

  async #startServer(address: StatusAddress): Promise<void> {
    const { name } = address;
    const { onDown, onEnd, onLine } = this.#options;
    const server = new ServiceSupervisor({
      name,
      spawn: (onLine) => {
        const process = this.#spawnServer(address, onLine);
        this.#recordChildren(process.pid);
        return process;
      },
      onLine: (line) => onLine(name, line),
      onEnd: (exitCode) => onEnd(name, exitCode),
      onDown: () => onDown(name),
    });
    this.#servers.push(server);
    await server.listening;
  }

  #spawnServer(status: StatusAddress, onLine: (line: string) => void): ServiceProcess {
    const { lottery, server, isSecure } = this.#options.settings;
    const secure = SecureFiles.in(SECURE_FOLDER, lottery.serverName);
    const { port, broadcastPort } = server;
    const ledger = ledgerForProcesses(lottery);
    const config = `${PROJECT_ROOT}/server/config.ini`;
    const permissions = serverFlags({
      config,
      sharedVolume: SHARED_VOLUME,
      secrets: isSecure ? [secure.serverFolder] : [],
      auditLog: AUDIT_LOG,
      nodes: ledger.nodes && { ...ledger.nodes, files: ledgerFiles(server) },
      network: {
        listenIp: LOOPBACK,
        port,
        broadcastIp: LOOPBACK_BROADCAST,
        broadcastPort,
        status: { ip: LOOPBACK, port: status.port },
      },
    });
    return this.#spawn({
      program: [...permissions, "server/main.ts"],
      env: {
        SERVER_CONFIG: config,
        SERVER_LISTEN_IP: LOOPBACK,
        SERVER_REUSE_PORT: "true",
        UDP_BROADCAST_IP: LOOPBACK_BROADCAST,
        SHARED_VOLUME,
        AUDIT_LOG,
        AUDIT_NAME: status.name,
        LEDGER: ledger.variable,
        STATUS_IP: LOOPBACK,
        STATUS_PORT: String(status.port),
        ...isSecure && secure.serverEnvironment,
      },
      onLine,
    });
  }

  /** Records all processes, including one that is just starting. */
  #recordChildren(...starting: number[]): void {
    const pids = [...this.#servers, ...this.#clients].map(({ pid }) => pid);
    this.#options.onStart([...pids, ...starting]);
  }

  #spawn(service: Service): ServiceProcess {
    return spawnService(service, this.#env);
  }
}

/** Returns what services inherit of the environment. */
function inheritedEnvironment(settings: RunSettings): Record<string, string> {
  const inherited = Object.entries(Deno.env.toObject())
    .filter(([name]) => PASSED_ON.includes(name) || !SERVICE_VARIABLES.test(name));
  return { ...Object.fromEntries(inherited), ...loweredLogLevels(settings) };
}

function spawnService(
  { program, env, onLine }: Service,
  inherited: Record<string, string>,
): ServiceProcess {
  return new ServiceProcess({
    command: Deno.execPath(),
    args: ["run", "--quiet", ...program],
    cwd: PROJECT_ROOT,
    env: { ...inherited, ...env },
    onLine,
  });
}

/** How to start a server, a client or the board. */
interface Service {
  program: string[];
  env: Record<string, string>;
  onLine: (line: string) => void;
}
