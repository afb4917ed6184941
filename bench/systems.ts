/**
 * What takes a load: some of our servers on one volume, or the floor.
 *
 * @module
 */

import { serverPermissions } from "../tools/run/permissions.ts";
import {
  cpuSecondsOf,
  peakBytesOf,
  type Program,
  type ProgramOptions,
  type Workplace,
} from "./workplace.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Servers that are ready. */
export interface System extends AsyncDisposable {
  ports: number[];
  /** How long the first of them took to be ready, in milliseconds. */
  startMs: number;
  /** Processor time of all so far, in seconds; nothing where it cannot be read. */
  cpuSeconds(): number | undefined;
  /** Most memory of one of them so far, in bytes; nothing where it cannot be read. */
  peakBytes(): number | undefined;
}

/** Which of our servers to start. */
export interface ServersOptions {
  servers: number;
  /** AGENCIES_AMOUNT. */
  agencies: number;
  /** The folder of their ledger. */
  volume: string;
}

/** Starts servers of ours as users do, each on a port of its own. */
export function startServers(workplace: Workplace, options: ServersOptions): Promise<System> {
  const { servers, agencies, volume } = options;
  const permissions = serverPermissions({ projectRoot: ROOT, sharedVolume: volume });
  return start(workplace, servers, {
    args: [...permissions, "server/main.ts"],
    env: {
      SERVER_PORT: "0",
      SERVER_LISTEN_IP: "127.0.0.1",
      SERVER_LISTEN_BACKLOG: "512",
      // So that they share the port of broadcasts.
      SERVER_REUSE_PORT: "true",
      UDP_BROADCAST_IP: "127.255.255.255",
      UDP_BROADCAST_PORT: String(freeUdpPort()),
      AGENCIES_AMOUNT: String(agencies),
      LOGGING_LEVEL: "INFO",
      SHARED_VOLUME: volume,
    },
    ready: /action: listen .* port: (\d+)/,
  });
}

/** Starts the floor: as many servers, which append to one file. */
export function startFloor(
  workplace: Workplace,
  { servers, path }: { servers: number; path: string },
): Promise<System> {
  return start(workplace, servers, {
    args: ["--allow-net", "--allow-read", "--allow-write", "bench/floor_server.ts", path],
    ready: /^port (\d+)$/,
  });
}

async function start(
  workplace: Workplace,
  count: number,
  options: ProgramOptions,
): Promise<System> {
  await using stack = new AsyncDisposableStack();
  const programs: Program[] = [];
  const ports: number[] = [];
  let startMs = 0;
  for (let index = 0; index < count; index++) {
    const program = stack.use(workplace.start(options));
    const [, port] = await program.ready;
    startMs ||= performance.now() - program.startedMs;
    programs.push(program);
    ports.push(Number(port));
  }
  const running = stack.move();
  return {
    ports,
    startMs,
    cpuSeconds: () => cpuSecondsOf(programs),
    peakBytes: () => peakBytesOf(programs),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A port that nobody uses at the moment. */
function freeUdpPort(): number {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}
