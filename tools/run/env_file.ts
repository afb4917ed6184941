/**
 * The settings of the whole lottery: the environment first, then the file .env.
 *
 * @module
 */

import { SettingsReader } from "../../shared/config.ts";
import { unlessNotFound } from "../project.ts";
import { parseSubnet, type Subnet } from "./subnet.ts";

/** Most clients or servers that one machine is asked to run. */
const SERVICES_MAX = 250;

/** What the variables of .env say. */
export interface LotterySettings {
  /** How many clients, one an agency. */
  clients: number;
  servers: number;
  /** The name by which clients find the servers. */
  serverName: string;
  serverPort: number;
  subnet: Subnet;
  /** The folder of agency-N.csv, as written: relative to the project's root, or absolute. */
  dataset: string;
}

/** Variables that may stand in .env though they are read by Docker, not by us. */
const DOCKER_VARIABLES =
  /^(COMPOSE_\w+|DOCKER_(HOST|CONTEXT|BUILDKIT)|DENO_VERSION|LOTTERY_[UG]ID)$/;

/** Makes .env out of .env.example if there is none. Answers whether it had to. */
export async function ensureEnvFile(root: string): Promise<boolean> {
  if (await unlessNotFound(Deno.stat(`${root}/.env`)) !== undefined) return false;
  const example = await Deno.readTextFile(`${root}/.env.example`);
  await Deno.writeTextFile(`${root}/.env`, example, { createNew: true });
  return true;
}

/** The variables of a .env file by name, and what is wrong with its lines. */
export interface EnvFile {
  variables: Record<string, string>;
  faults: string[];
}

/** Reads lines `NAME=VALUE`, `#` comments among them; a value may be quoted. */
export function parseEnvFile(text: string): EnvFile {
  const variables: Record<string, string> = {};
  const faults: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/.exec(line);
    if (match === null) faults.push(`line ${index + 1} of .env is no NAME=VALUE: ${line.trim()}`);
    else variables[match[1]] = valueOf(match[2].trim());
  }
  return { variables, faults };
}

function valueOf(text: string): string {
  const quoted = /^(["'])(.*?)\1\s*(#.*)?$/.exec(text);
  return quoted?.[2] ?? text.replace(/(^|\s+)#.*$/, "");
}

/** Where the variables come from. */
export interface LotterySettingsSources {
  /** The text of .env. */
  text: string;
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
}

/**
 * Reads the settings of the whole lottery.
 *
 * @throws {SettingsError} With all that is missing, misspelt or impossible.
 */
export function readLotterySettings(
  { text, environment = (name) => Deno.env.get(name) }: LotterySettingsSources,
): LotterySettings {
  const { variables, faults } = parseEnvFile(text);
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
    serverPort: reader.integer("SERVER_PORT", { min: 1, max: 65535 }),
    subnet: readSubnet(reader),
    dataset: reader.text("DATASET", ".data"),
  };
  if (settings.dataset.startsWith("~")) {
    reader.fault(`DATASET is ${JSON.stringify(settings.dataset)}: write the folder out, without ~`);
  }
  const { clients, servers, subnet } = settings;
  if (clients + servers > subnet.hostsMax) {
    reader.fault(
      `DOCKET_SUBNET is ${subnet.text}, with room for ${subnet.hostsMax} containers, and CLIENTS and ` +
        `SERVERS are ${clients + servers}: give a subnet with a smaller prefix, or fewer of them`,
    );
  }
  reader.finish();
  return settings;
}

function readServerName(reader: SettingsReader): string {
  const name = reader.text("SERVER_NAME");
  if (name === "") return name;
  const is = `SERVER_NAME is ${JSON.stringify(name)}`;
  if (name.includes("_")) {
    reader.fault(`${is}: a host name with an underscore cannot be resolved; use a hyphen`);
  } else if (!/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name)) {
    reader.fault(`${is}: give a host name of letters, digits and hyphens`);
  } else if (/^(client|server)\d+$/i.test(name)) {
    reader.fault(`${is}: that is the name of a single container; give another`);
  }
  return name;
}

function readSubnet(reader: SettingsReader): Subnet {
  const seed = reader.text("DOCKET_SUBNET", "");
  const spelt = reader.text("DOCKER_SUBNET", "");
  const unknown = { text: "", broadcast: "", hostsMax: Infinity };
  if (seed !== "" && spelt !== "" && seed !== spelt) {
    reader.fault(
      `DOCKET_SUBNET is ${seed} and DOCKER_SUBNET is ${spelt}: both name the subnet; give one of them`,
    );
    return unknown;
  }
  const text = seed || spelt;
  if (text === "") {
    reader.fault("DOCKET_SUBNET is missing: set it in .env, for example to 172.25.125.0/24");
    return unknown;
  }
  const subnet = parseSubnet(text);
  if (!("fault" in subnet)) return subnet;
  reader.fault(`${seed === "" ? "DOCKER_SUBNET" : "DOCKET_SUBNET"} is "${text}": ${subnet.fault}`);
  return unknown;
}
