/**
 * All settings of a run, which are in three files and must agree: .env, server/config.ini and
 * client/config.yaml.
 *
 * @module
 */

import { type ClientSettings, readClientSettings } from "../../client/settings.ts";
import { parseYaml } from "../../client/yaml.ts";
import { readServerSettings, type ServerSettings } from "../../server/settings.ts";
import { SettingsError } from "../../shared/config.ts";
import { CLIENT_LEVELS, SERVER_LEVELS } from "../../shared/logging.ts";
import { PROJECT_ROOT } from "../project.ts";
import { ledgerForProcesses } from "./ledger_nodes.ts";
import {
  type LotterySettings,
  readLotterySettings,
  type SettingsSources,
} from "./lottery_settings.ts";
import { CLIENT_PASSED_ON, SERVER_PASSED_ON } from "./permissions.ts";

/** All settings of a run. */
export interface RunSettings {
  lottery: LotterySettings;
  server: ServerSettings;
  client: ClientSettings;
  /** Whether the lottery runs with TLS and keys that `up` makes. */
  isSecure: boolean;
}

/**
 * Reads all settings and checks that they agree.
 *
 * @throws {SettingsError} With everything that is wrong in any of the files, and how to correct it.
 */
export function readRunSettings(sources: SettingsSources = {}): RunSettings {
  const { root = PROJECT_ROOT, environment = (name) => Deno.env.get(name), readFile } = sources;
  const faults: string[] = [];
  const read = <Settings>(reader: () => Settings): Settings | undefined => {
    try {
      return reader();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(...error.faults);
    }
  };
  /** The environment of a service: `given`, and what `up` passes on from its own. */
  const limited = (names: readonly string[], given: Record<string, string>) => (name: string) =>
    given[name] ?? (names.includes(name) ? environment(name) : undefined);
  const ofServer = { SERVER_CONFIG: `${root}/server/config.ini` };
  const ofClient = limited(CLIENT_PASSED_ON, {
    CLI_CONFIG: `${root}/client/config.yaml`,
    // Each client has an agency of its own; which one makes no difference here.
    CLI_ID: "1",
  });
  const lottery = read(() => readLotterySettings(sources));
  const readServer = (given: Record<string, string>) =>
    read(() => readServerSettings({ environment: limited(SERVER_PASSED_ON, given), readFile }));
  const server = readServer({
    ...ofServer,
    ...lottery && { LEDGER: ledgerForProcesses(lottery).variable },
  });
  const client = read(() => readClientSettings({ environment: ofClient, readFile, parseYaml }));
  /** Where a setting of the lottery was found. */
  const place = (name: string) => environment(name)?.trim() ? "the environment" : ".env";
  if (lottery && server) faults.push(...serverFaults(lottery, server, place));
  if (lottery && server) faults.push(...ledgerFaults(lottery, readServer(ofServer)));
  if (lottery && client) faults.push(...clientFaults(lottery, client));
  if (lottery && server && client && faults.length === 0) {
    return { lottery, server, client, isSecure: false };
  }
  throw new SettingsError("the lottery", faults);
}

function serverFaults(
  { clients, serverPort, subnet: { broadcast, text } }: LotterySettings,
  { agencies, port, broadcastIp }: ServerSettings,
  place: (name: string) => string,
): string[] {
  const faults = [
    agencies !== clients &&
    `AGENCIES_AMOUNT is ${agencies} in server/config.ini, and CLIENTS is ${clients} in ` +
      `${
        place("CLIENTS")
      }: write the same number in both, or the draw waits for agencies without a client`,
    port !== serverPort &&
    `SERVER_PORT is ${port} in server/config.ini and ${serverPort} in ${place("SERVER_PORT")}: ` +
      `write the same port in both`,
    broadcastIp !== broadcast &&
    `UDP_BROADCAST_IP is ${broadcastIp} in server/config.ini, and DOCKET_SUBNET is ${text} in .env: ` +
      `write UDP_BROADCAST_IP = ${broadcast}, the broadcast address of that subnet`,
  ];
  return faults.filter((fault) => fault !== false);
}

/**
 * LEDGER in .env is for the whole lottery. In config.ini it is for servers that are started by hand, and must not
 * name another ledger.
 */
function ledgerFaults({ ledger }: LotterySettings, server: ServerSettings | undefined): string[] {
  if (server === undefined || server.ledger.engine === "files" || ledger.kind === "cluster") {
    return [];
  }
  return [
    `LEDGER is ${ledger.kind === "nodes" ? "jetstream" : "files"} in .env, and names the nodes ` +
    `${
      server.ledger.nodes.join(", ")
    } in server/config.ini: write the same in both, or remove it there`,
  ];
}

function clientFaults({ serverName, serverPort }: LotterySettings, client: ClientSettings) {
  const [address, written] = [`${serverName}:${serverPort}`, `${client.host}:${client.port}`];
  if (written === address) return [];
  return [
    `server.address is ${written} in client/config.yaml, and SERVER_NAME:SERVER_PORT is ${address} in ` +
    `.env: write the same in both`,
  ];
}

/**
 * Checks that no file sets up TLS or keys by hand: `up` knows nothing of them.
 *
 * @throws {SettingsError} With what to do instead.
 */
export function assertOwnSecrets({ server, client }: RunSettings): void {
  const advice = "remove them, and run `up --secure`, which makes certificates and keys of its own";
  const faults = [
    (server.tls ?? server.statusTls ?? server.agencyKeys) !== undefined &&
    `server/config.ini has settings of TLS or keys, which are for servers that are started by hand: ${advice}`,
    (client.tls ?? client.readKey) !== undefined &&
    `client/config.yaml has settings of TLS or keys, which are for clients that are started by hand: ${advice}`,
  ].filter((fault) => fault !== false);
  if (faults.length > 0) throw new SettingsError("the lottery", faults);
}

/** Returns variables that lower a log level which would hide what `up` reads in the logs. */
export function loweredLogLevels({ server, client }: RunSettings): Record<string, string> {
  return {
    ...hides(SERVER_LEVELS, server.logLevel, "INFO") ? { LOGGING_LEVEL: "INFO" } : {},
    ...hides(CLIENT_LEVELS, client.logLevel, "info") ? { CLI_LOG_LEVEL: "info" } : {},
  };
}

/** Whether a log of level `level` omits lines of level `shown`. `levels` ascends in severity. */
function hides(levels: Record<string, string>, level: string, shown: string): boolean {
  const order = Object.keys(levels);
  return order.indexOf(level) > order.indexOf(shown);
}
