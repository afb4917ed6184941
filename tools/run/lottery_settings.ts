/**
 * The settings of the whole lottery: the environment first, then the file .env.
 *
 * @module
 */

import { isIpv4, SettingsReader } from "../../shared/config.ts";
import { quoteText } from "../../shared/readable.ts";
import { NODE_NAMES, NODE_PORT_MAX } from "../nodes/nodes.ts";
import { PROJECT_ROOT, unlessNotFound } from "../project.ts";
import { type LedgerChoice, ledgerFault, parseLedger } from "./ledger_choice.ts";

/** Maximum number of clients, and of servers, on one machine. */
const SERVICES_MAX = 250;

/** The port of a server's status in its container, unless STATUS_PORT names another. */
export const STATUS_PORT_DEFAULT = 12346;

/** The folder of the bets, unless DATASET names another. */
export const DATASET_DEFAULT = ".data";

/** The settings in .env. */
export interface LotterySettings {
  /** Number of clients, one per agency. */
  clients: number;
  servers: number;
  /** The host name by which clients find the servers. */
  serverName: string;
  serverPort: number;
  /** The port of each server's status in its container. */
  statusPort: number;
  /** Where agencies outside this host reach the servers in containers. */
  publish: Publish;
  subnet: Subnet;
  board: BoardChoices;
  /** The folder of agency-N.csv, as written: absolute, or relative to the project's root. */
  dataset: string;
  ledger: LedgerChoice;
  /** The first port of the nodes that `up` runs, on 127.0.0.1. */
  nodePort: number;
  /** The limits of the containers, as Docker takes them. */
  limits: typeof CONTAINER_LIMITS;
}

/** The ports of this host that lead to the servers in containers: one each, the first one given. */
export interface Publish {
  /** An address of this host. */
  ip: string;
  /** The port of server1; the others follow. 0 publishes none. */
  port: number;
}

/** What an operator chooses about the board. */
export interface BoardChoices {
  /** The port of its page on this machine. */
  port: number;
  /** A value of BOARD_LANGUAGE. */
  language: string;
  /** A value of BOARD_DOCUMENTS. */
  documents: string;
}

/** An IPv4 subnet, as Docker networks have them. */
export interface Subnet {
  /** CIDR notation, such as 172.25.125.0/24. */
  text: string;
  /** The last address: a datagram to it reaches every host. */
  broadcast: string;
  /** Number of addresses for hosts: all but those of the network, the broadcast and the gateway. */
  hostsMax: number;
}

/** Variables in .env that Docker reads, not us. */
const DOCKER_VARIABLES =
  /^(COMPOSE_\w+|DOCKER_(HOST|CONTEXT|BUILDKIT)|(DENO|DEBIAN|NATS|PROMETHEUS)_IMAGE|PROMETHEUS_PORT|LOTTERY_[UG]ID)$/;

/** The limits of each container, with their defaults. 0 CPUs are all that the machine has. */
export const CONTAINER_LIMITS = {
  SERVER_MEMORY: "768m",
  SERVER_CPUS: "1",
  SERVER_PIDS: "512",
  CLIENT_MEMORY: "512m",
  CLIENT_CPUS: "1",
  CLIENT_PIDS: "256",
  NODE_MEMORY: "1g",
  NODE_CPUS: "1",
  NODE_PIDS: "256",
};

/** Copies .env.example to .env if there is no .env. Returns whether it did. */
export async function ensureEnvFile(root: string = PROJECT_ROOT): Promise<boolean> {
  if (await unlessNotFound(Deno.stat(`${root}/.env`)) !== undefined) return false;
  await Deno.copyFile(`${root}/.env.example`, `${root}/.env`);
  return true;
}

/** Where settings come from. */
export interface SettingsSources {
  /** The folder of the files. @default {the project's root} */
  root?: string;
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
}

/**
 * Reads the settings of the whole lottery.
 *
 * @throws {SettingsError} If any are missing, misspelled or impossible. It names all of them.
 */
export function readLotterySettings(
  {
    root = PROJECT_ROOT,
    environment = (name) => Deno.env.get(name),
    readFile = Deno.readTextFileSync,
  }: SettingsSources = {},
): LotterySettings {
  const { variables, faults } = parseEnvFile(readFile(`${root}/.env`));
  const ours = Object.entries(variables).filter(([name]) => !DOCKER_VARIABLES.test(name));
  const reader = new SettingsReader({
    program: "the lottery",
    environment,
    file: Object.fromEntries(ours),
    fileName: ".env",
  });
  for (const fault of faults) reader.fault(fault);
  const settings: LotterySettings = {
    clients: reader.integer("CLIENTS", { min: 1, max: SERVICES_MAX }),
    servers: reader.integer("SERVERS", { min: 1, max: SERVICES_MAX }),
    serverName: readServerName(reader),
    ...readPorts(reader),
    publish: {
      ip: reader.ipv4("PUBLISH_IP", "0.0.0.0"),
      port: reader.integer("PUBLISH_PORT", { min: 0, max: 65535, default: 0 }),
    },
    subnet: readSubnet(reader),
    board: {
      port: reader.integer("BOARD_PORT", { min: 1, max: 65535, default: 8080 }),
      language: reader.oneOf("BOARD_LANGUAGE", ["auto", "en", "es"], "auto"),
      documents: reader.oneOf("BOARD_DOCUMENTS", ["masked", "full"], "masked"),
    },
    dataset: readDataset(reader, environment),
    ledger: readLedger(reader),
    nodePort: reader.integer("NODE_PORT", { min: 1024, max: NODE_PORT_MAX, default: 4222 }),
    limits: readLimits(reader),
  };
  const lastPort = settings.publish.port + settings.servers - 1;
  if (settings.publish.port > 0 && lastPort > 65535) {
    reader.fault(
      `PUBLISH_PORT is ${settings.publish.port}, and ${settings.servers} servers need the ports up to ` +
        `${lastPort}: give ${65536 - settings.servers} or less`,
    );
  }
  const { text, hostsMax } = settings.subnet;
  const containers = Object.values(serviceNames(settings)).flat().length;
  if (containers > hostsMax) {
    reader.fault(
      `DOCKET_SUBNET is ${text}, with room for ${hostsMax} containers, and this lottery has ` +
        `${containers}: give a subnet with a smaller prefix, or lower CLIENTS or SERVERS`,
    );
  }
  reader.finish();
  return settings;
}

/** Parses lines `NAME=VALUE`, whose value may be quoted, and `#` comments; others are faults. */
export function parseEnvFile(
  text: string,
): { variables: Record<string, string>; faults: string[] } {
  const variables: Record<string, string> = {};
  const faults: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) faults.push(`line ${index + 1} of .env is not NAME=VALUE: ${line.trim()}`);
    else variables[match[1]] = unquote(match[2]);
  }
  return { variables, faults };
}

/** Removes the quotes of a value, or the comment after one without quotes. */
function unquote(text: string): string {
  const quoted = /^(["'])(.*?)\1\s*(#.*)?$/.exec(text);
  return quoted?.[2] ?? text.replace(/(^|\s+)#.*$/, "");
}

/** How the values of limits are written, by the end of their names. */
const LIMIT_FORMS = {
  MEMORY: { pattern: /^[1-9]\d*[bkmg]$/i, form: "a size such as 768m or 2g" },
  CPUS: { pattern: /^\d+(\.\d+)?$/, form: "a number such as 1.5, or 0 for no limit" },
  PIDS: { pattern: /^[1-9]\d*$/, form: "a number of processes and threads, such as 512" },
};

function readLimits(reader: SettingsReader): typeof CONTAINER_LIMITS {
  const limits = { ...CONTAINER_LIMITS };
  for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
    limits[name] = reader.text(name, CONTAINER_LIMITS[name]);
    const { pattern, form } = LIMIT_FORMS[name.split("_")[1] as keyof typeof LIMIT_FORMS];
    if (pattern.test(limits[name])) continue;
    reader.fault(`${name} is ${quoteText(limits[name])}: give ${form}`);
  }
  return limits;
}

function readLedger(reader: SettingsReader): LedgerChoice {
  const text = reader.text("LEDGER", "files");
  const ledger = parseLedger(text);
  if (ledger === undefined) reader.fault(ledgerFault(text));
  return ledger ?? { kind: "files" };
}

/** Reads the folder of the bets. It is not expanded as by a shell, so it must not need that. */
function readDataset(
  reader: SettingsReader,
  environment: (name: string) => string | undefined,
): string {
  const dataset = reader.text("DATASET", DATASET_DEFAULT);
  if (!/^~|\$[A-Za-z_{(]/.test(dataset)) return dataset;
  const expanded = dataset
    .replace(/^~(?=\/|$)/, "$$HOME")
    .replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (written, braced, bare) => {
      return environment(braced ?? bare) || written;
    });
  const isPath = !/^~|\$/.test(expanded);
  reader.fault(
    `DATASET is ${JSON.stringify(dataset)}, but neither variables nor ~ are expanded: ` +
      (isPath ? `write DATASET=${expanded}` : "write the full path"),
  );
  return dataset;
}

function readPorts(reader: SettingsReader): { serverPort: number; statusPort: number } {
  const serverPort = reader.integer("SERVER_PORT", { min: 1, max: 65535 });
  const free = serverPort === STATUS_PORT_DEFAULT ? serverPort + 1 : STATUS_PORT_DEFAULT;
  const statusPort = reader.integer("STATUS_PORT", { min: 1, max: 65535, default: free });
  if (statusPort === serverPort) {
    reader.fault(`SERVER_PORT and STATUS_PORT are both ${serverPort}: give two different ports`);
  }
  return { serverPort, statusPort };
}

function readServerName(reader: SettingsReader): string {
  const name = reader.text("SERVER_NAME");
  const fault = name.includes("_")
    ? "a host name with an underscore cannot be resolved; use a hyphen"
    : !/^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?$/.test(name)
    ? "give a host name of letters, digits and hyphens"
    : /^(client|server|node)\d+$/i.test(name)
    ? "a container has that name; give another"
    : undefined;
  if (fault !== undefined) reader.fault(`SERVER_NAME is ${JSON.stringify(name)}: ${fault}`);
  return name;
}

function readSubnet(reader: SettingsReader): Subnet {
  const refuse = (fault: string): Subnet => {
    reader.fault(fault);
    return { text: "", broadcast: "", hostsMax: Infinity };
  };
  const docker = reader.text("DOCKER_SUBNET", "");
  const text = reader.text("DOCKET_SUBNET", docker);
  if (text === "") {
    return refuse("DOCKET_SUBNET is missing: set it in .env, for example to 172.25.125.0/24");
  }
  if (docker !== "" && docker !== text) {
    return refuse(
      `DOCKET_SUBNET is ${text} and DOCKER_SUBNET is ${docker}: both name the subnet; give only one`,
    );
  }
  const subnet = parseSubnet(text);
  if (typeof subnet !== "string") return subnet;
  return refuse(`${docker === "" ? "DOCKET_SUBNET" : "DOCKER_SUBNET"} is "${text}": ${subnet}`);
}

/** Parses a subnet in CIDR notation. Returns a text about what is wrong if it is invalid. */
export function parseSubnet(text: string): Subnet | string {
  const match = /^(.+)\/(\d{1,2})$/.exec(text);
  const prefix = Number(match?.[2]);
  // Docker accepts no other prefixes.
  if (match === null || !isIpv4(match[1]) || prefix < 8 || prefix > 29) {
    return "give ADDRESS/PREFIX, such as 172.25.125.0/24, with a prefix from 8 to 29";
  }
  const size = 2 ** (32 - prefix);
  const address = match[1].split(".").reduce((value, part) => value * 256 + Number(part), 0);
  const first = address - address % size;
  if (first !== address) return `its first address is ${formatAddress(first)}: give that one`;
  return { text, broadcast: formatAddress(first + size - 1), hostsMax: size - 3 };
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
}

/** The names of all services. */
export interface ServiceNames {
  servers: string[];
  clients: string[];
  /** The nodes that `up` runs, if any. */
  nodes: string[];
}

/** Returns the names of the services: server1 to serverN, client1 to clientN, and those of the nodes. */
export function serviceNames(
  { clients, servers, ledger }: Pick<LotterySettings, "clients" | "servers" | "ledger">,
): ServiceNames {
  const numbered = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name}${index + 1}`);
  return {
    servers: numbered("server", servers),
    clients: numbered("client", clients),
    nodes: ledger.kind === "nodes" ? [...NODE_NAMES] : [],
  };
}
