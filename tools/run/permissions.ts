/**
 * The permissions and variables of servers and clients, for everything that starts one. Deno fixes
 * them when a program starts, or is compiled: what is only known later cannot be narrowed.
 *
 * @module
 */

import { WRITER_SOCKET } from "../../server/ledger/file/volume_files.ts";

/** The variables that a server reads. */
export const SERVER_VARIABLES: readonly string[] = [
  "AGENCIES_AMOUNT",
  "AGENCY_KEYS",
  "AUDIT_*",
  "DRAW_POLL_SECONDS",
  "LEDGER",
  "LEDGER_*",
  "LOGGING_LEVEL",
  "LOG_FORMAT",
  "LOTTERY_WINNER_NUMBER",
  "SERVER_*",
  "SHARED_VOLUME",
  "STATUS_*",
  "UDP_*",
];

/**
 * V8 gives its young generation more and more room, which a server does not use: 50 MiB after ten minutes under
 * load. With this bound it stores as many bets a second, in as much processor time.
 */
const YOUNG_GENERATION_FLAG = "--v8-flags=--max-semi-space-size=1";

/** Where a server listens, and the broadcast by which servers signal the draw. */
export interface ServerNetwork {
  listenIp: string;
  /** A number, or a variable that Docker replaces by one. */
  port: number | string;
  broadcastIp: string;
  broadcastPort: number;
  /** Where it reports its status. @default {nowhere} */
  status?: { ip: string; port: number | string };
}

/** The nodes of JetStream that keep the ledger. */
export interface LedgerNodes {
  /** Where the nodes are: hosts and networks, with ports. */
  addresses: readonly string[];
  /** The files of keys and certificates that LEDGER_* names. */
  files: readonly string[];
  /** The folders of the modules that a server loads for this ledger alone: see {@linkcode engineModules}. */
  modules: readonly string[];
}

/** What a server uses. */
export interface ServerResources {
  /** Its config.ini. */
  config: string;
  /** The folder of the ledger's files. */
  sharedVolume: string;
  /** Its certificates, their keys and the keys of agencies: files or folders. @default {none} */
  secrets?: readonly string[];
  /** The folder of the audit logs, for a server that has no volume. @default {none} */
  auditLog?: string;
  /** The nodes that keep the ledger instead. @default {none} */
  nodes?: LedgerNodes;
  network: ServerNetwork;
}

/** Returns the folders of the modules that a server loads for JetStream alone, in a project at `root`. */
export function engineModules(root: string): string[] {
  return [`${root}/server/ledger`, `${root}/shared`];
}

/** Returns the flags of `deno run server/main.ts`: its addresses, its settings and its ledger. */
export function serverFlags(
  { config, sharedVolume, secrets = [], auditLog, nodes, network }: ServerResources,
): string[] {
  const { listenIp, port, broadcastIp, broadcastPort, status } = network;
  const statusNet = status === undefined ? [] : [address(status.ip, status.port)];
  // Its status names its host.
  const statusFlags = status === undefined ? [] : ["--allow-sys=hostname,statfs"];
  const audit = auditLog === undefined ? [] : [auditLog];
  if (nodes !== undefined) {
    const flags = permissions({
      net: [address(listenIp, port), ...nodes.addresses, ...statusNet],
      env: SERVER_VARIABLES,
      read: [config, ...secrets, ...nodes.files, ...nodes.modules, ...audit],
      write: audit.length === 0 ? undefined : audit,
    });
    return [YOUNG_GENERATION_FLAG, ...flags, ...statusFlags];
  }
  const flags = permissions({
    net: [
      address(listenIp, port),
      // It receives broadcasts on all addresses of the host.
      address("0.0.0.0", broadcastPort),
      address(broadcastIp, broadcastPort),
      ...writerSocket(sharedVolume),
      ...statusNet,
    ],
    env: SERVER_VARIABLES,
    read: [config, ...secrets, sharedVolume],
    write: [sharedVolume],
  });
  return [YOUNG_GENERATION_FLAG, ...flags, ...statusFlags];
}

/** Returns the flags of `deno run server/health.ts`: a server on this host, and its settings. */
export function healthPermissions(
  { config, network: { port } }: Pick<ServerResources, "config" | "network">,
): string[] {
  return permissions({ net: [`127.0.0.1:${port}`], env: SERVER_VARIABLES, read: [config] });
}

/** The variables that the board reads. */
const BOARD_VARIABLES = ["BOARD_*", "LOG_FORMAT"];

/** What the board uses. */
export interface BoardResources {
  /** Where it serves its page. */
  ip: string;
  /** A number, or a variable that Docker replaces by one. */
  port: number | string;
  /** The servers' addresses, networks and host names, with the ports of their status. */
  servers: readonly string[];
  /** The folder of its page, and that of the records of draws. */
  read: readonly string[];
}

/** Returns the flags of `deno run board/main.ts`. The board writes nothing. */
export function boardPermissions({ ip, port, servers, read }: BoardResources): string[] {
  return permissions({ net: [address(ip, port), ...servers], env: BOARD_VARIABLES, read });
}

/** What a client uses. */
export interface ClientResources {
  /** Addresses, networks and host names, with ports. @default {everything} */
  net?: readonly string[];
  /** Its config.yaml and its bets. @default {everything} */
  read?: readonly string[];
  /** The folder of its result. @default {nothing} */
  write?: readonly string[];
}

/**
 * Returns the flags of `deno run client/main.ts`. A client that is compiled for anybody may use any
 * address and any file, because its user names them when it starts.
 */
export function clientPermissions({ net, read, write }: ClientResources = {}): string[] {
  const env = ["CLI_*", "LOG_FORMAT", "NOMBRE", "APELLIDO", "DOCUMENTO", "NACIMIENTO", "NUMERO"];
  return permissions({ net, env, read, write });
}

/**
 * The socket at which servers of a volume hand their batches to the one that writes. A comma cannot be escaped: on a
 * volume whose path has one, each server writes for itself.
 */
function writerSocket(volume: string): string[] {
  return volume.includes(",") ? [] : [`unix:${volume}/${WRITER_SOCKET}`];
}

/** Port 0 stands for any free port, so it needs all of them. */
function address(ip: string, port: number | string): string {
  return port === 0 ? ip : `${ip}:${port}`;
}

function permissions(
  { net, env, read, write }: ClientResources & { env: readonly string[] },
): string[] {
  return [
    "--no-prompt",
    net === undefined ? "--allow-net" : `--allow-net=${net.join(",")}`,
    `--allow-env=${env.join(",")}`,
    read === undefined ? "--allow-read" : pathFlag("--allow-read", read),
    ...write === undefined ? [] : [pathFlag("--allow-write", write)],
  ];
}

/**
 * Returns a flag that allows paths. A comma separates paths and cannot be escaped, so a path with a
 * comma is allowed by the nearest folder above it without one.
 */
function pathFlag(flag: string, paths: readonly string[]): string {
  return `${flag}=${paths.map((path) => path.replace(/\/[^/]*,.*$/s, "") || "/").join(",")}`;
}

/**
 * The variables that `up` passes on from its own environment to the servers. It sets or checks the
 * other settings itself.
 */
export const SERVER_PASSED_ON: readonly string[] = [
  "AUDIT_FILES",
  "AUDIT_FILE_BYTES",
  "DRAW_POLL_SECONDS",
  "LEDGER_CREDENTIALS_FILE",
  "LEDGER_NAME",
  "LEDGER_NKEY_FILE",
  "LEDGER_PARTITIONS",
  "LEDGER_PASSWORD",
  "LEDGER_REPLICAS",
  "LEDGER_TLS_CA",
  "LEDGER_TLS_CERT",
  "LEDGER_TLS_FIRST",
  "LEDGER_TLS_KEY",
  "LEDGER_USER",
  "LOGGING_LEVEL",
  "LOG_FORMAT",
  "LOTTERY_WINNER_NUMBER",
  "SERVER_CROWDED_IDLE_SECONDS",
  "SERVER_IDLE_SECONDS",
  "SERVER_LISTEN_BACKLOG",
  "SERVER_MAX_AGENCIES_PER_CONNECTION",
  "SERVER_MAX_BETS_PER_SECOND",
  "SERVER_MAX_CONNECTIONS",
  "SERVER_MAX_CONNECTIONS_PER_ADDRESS",
  "SERVER_MAX_CONNECTIONS_PER_AGENCY",
  "SERVER_MAX_PACKET_BYTES",
  "SERVER_MAX_WAITING",
  "SERVER_TRUSTED_PROXIES",
];

/** The variables that `up` passes on from its own environment to the clients. */
export const CLIENT_PASSED_ON: readonly string[] = [
  "CLI_ANSWER_SECONDS",
  "CLI_BATCH_BYTES_MAX",
  "CLI_BATCH_SIZE",
  "CLI_LEGACY_SERVER",
  "CLI_LOG_FORMAT",
  "CLI_LOG_LEVEL",
  "CLI_RETRY_SECONDS",
  "CLI_WINNERS_SECONDS",
  "LOG_FORMAT",
];
