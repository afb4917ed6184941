/**
 * The configuration file of one node of the JetStream cluster, a nats-server. Everything that starts a node
 * uses it: `up`, containers, tests; docs/operations.md shows it for three hosts.
 *
 * @module
 */

/** The ports of a node, all on one address. */
export interface NodePorts {
  /** Where servers of the lottery connect. */
  client: number;
  /** Where the other nodes connect. */
  cluster: number;
  /** Where doctor and health checks ask, by HTTP. */
  monitoring: number;
}

/** The ports that NATS is known by. */
export const NATS_PORTS: NodePorts = { client: 4222, cluster: 6222, monitoring: 8222 };

/** Paths of certificates and keys in PEM. */
export interface NodeTls {
  cert: string;
  key: string;
  /** The authority of the other side's certificates. */
  ca: string;
}

/** Options of {@linkcode nodeConfig}. */
export interface NodeOptions {
  /** Its name, unique in the cluster. Another name is another node: it never changes. */
  name: string;
  /** A word by which tasks recognize the node, of lower-case letters, digits, - and _. @default {none} */
  tag?: string;
  /** The name of the cluster, the same on every node. @default {"lottery"} */
  cluster?: string;
  /** The address on which it listens. @default {"0.0.0.0"} */
  listenIp?: string;
  /** @default {NATS_PORTS} */
  ports?: NodePorts;
  /** The address on which monitoring listens. @default {that of `listenIp`} */
  monitoringIp?: string;
  /**
   * `host:port` of every node's cluster port; its own may be among them. Fewer than two: a node without a
   * cluster, which replicates nothing.
   */
  routes: readonly string[];
  /** The folder of its data, absolute. */
  storeFolder: string;
  /**
   * Whether every write is synced before it is acknowledged. Without it a power cut loses acknowledged
   * bets: only a test that shows this turns it off. @default {true}
   */
  syncAlways?: boolean;
  /** Most bytes that streams may take on its disk. @default {what nats-server takes: 75 % of what is free} */
  maxFileBytes?: number;
  /** Who may connect as a client. @default {everybody} */
  user?: { name: string; password: string };
  /** Encrypts the connections of clients. @default {none} */
  tls?: NodeTls;
  /** Encrypts the connections among nodes, which check each other's certificates. @default {none} */
  clusterTls?: NodeTls;
}

/** Returns the text of a node's configuration file. */
export function nodeConfig(options: NodeOptions): string {
  const { name, listenIp = "0.0.0.0", ports = NATS_PORTS, monitoringIp = listenIp } = options;
  const { routes, storeFolder, syncAlways = true, maxFileBytes } = options;
  return block([
    `server_name: ${text(name)}`,
    ...options.tag === undefined ? [] : [`server_tags: [${text(options.tag)}]`],
    `listen: ${text(`${listenIp}:${ports.client}`)}`,
    `http: ${text(`${monitoringIp}:${ports.monitoring}`)}`,
    ...userLines(options.user),
    ...tlsLines(options.tls),
    "jetstream {",
    `  store_dir: ${text(storeFolder)}`,
    ...syncAlways
      ? ["  # Without this line a power cut loses acknowledged bets.", "  sync_interval: always"]
      : [],
    ...maxFileBytes === undefined ? [] : [`  max_file_store: ${maxFileBytes}`],
    "}",
    ...routes.length < 2 ? [] : clusterLines(options),
  ]);
}

function clusterLines(options: NodeOptions): string[] {
  const { cluster = "lottery", listenIp = "0.0.0.0", ports = NATS_PORTS, routes } = options;
  return [
    "cluster {",
    `  name: ${text(cluster)}`,
    `  listen: ${text(`${listenIp}:${ports.cluster}`)}`,
    `  routes: [${routes.map((route) => text(`nats://${route}`)).join(", ")}]`,
    "  # Servers of the lottery know the nodes from LEDGER.",
    "  no_advertise: true",
    ...tlsLines(options.clusterTls, "verify: true").map(indent),
    "}",
  ];
}

function text(value: string): string {
  return JSON.stringify(value);
}

function block(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function indent(line: string): string {
  return `  ${line}`;
}

function userLines(user: NodeOptions["user"]): string[] {
  if (user === undefined) return [];
  const { name, password } = user;
  return [
    `authorization { user: ${JSON.stringify(name)}, password: ${JSON.stringify(password)} }`,
  ];
}

function tlsLines(tls: NodeTls | undefined, ...more: string[]): string[] {
  if (tls === undefined) return [];
  const { cert, key, ca } = tls;
  const files = { cert_file: cert, key_file: key, ca_file: ca };
  const lines = Object.entries(files).map(([name, path]) => `  ${name}: ${JSON.stringify(path)}`);
  return ["tls {", ...lines, ...more.map(indent), "}"];
}
