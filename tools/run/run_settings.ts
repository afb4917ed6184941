/**
 * All settings of a run, which are in three files and must agree: .env, server/config.ini and
 * client/config.yaml.
 *
 * @module
 */

import { type ClientSettings, readClientSettings } from "../../client/settings.ts";
import { readServerSettings, type ServerSettings } from "../../server/settings.ts";
import { SettingsError } from "../../shared/config.ts";
import { CLIENT_LEVELS, SERVER_LEVELS } from "../../shared/logging.ts";
import { PROJECT_ROOT } from "../project.ts";
import { type LotterySettings, readLotterySettings } from "./lottery_settings.ts";
import { CLIENT_PASSED_ON, SERVER_PASSED_ON } from "./permissions.ts";

/** All settings of a run. */
export interface RunSettings {
  lottery: LotterySettings;
  server: ServerSettings;
  client: ClientSettings;
}

/** Where {@linkcode readRunSettings} finds the settings. */
export interface RunSettingsSources {
  /** @default {the project's root folder} */
  root?: string;
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
}

/**
 * Reads all settings and checks that they agree.
 *
 * @throws {SettingsError} With everything that is wrong in any of the files, and how to correct it.
 */
export function readRunSettings(sources: RunSettingsSources = {}): RunSettings {
  const { root = PROJECT_ROOT, environment = (name) => Deno.env.get(name) } = sources;
  const { readFile = Deno.readTextFileSync } = sources;
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
  const lottery = read(() => readLotterySettings({ text: readFile(`${root}/.env`), environment }));
  const server = read(() =>
    readServerSettings({
      environment: limited(SERVER_PASSED_ON, { SERVER_CONFIG: `${root}/server/config.ini` }),
      readFile,
    })
  );
  // Each client has an agency of its own; which one makes no difference here.
  const ofClient = { CLI_CONFIG: `${root}/client/config.yaml`, CLI_ID: "1" };
  const client = read(() =>
    readClientSettings({ environment: limited(CLIENT_PASSED_ON, ofClient), readFile })
  );
  /** Where a setting of the lottery was found. */
  const place = (name: string) => environment(name)?.trim() ? "the environment" : ".env";
  if (lottery && server) faults.push(...compareServer(lottery, server, place));
  if (lottery && client) faults.push(...compareClient(lottery, client));
  if (lottery && server && client && faults.length === 0) return { lottery, server, client };
  throw new SettingsError("the lottery", faults);
}

function compareServer(
  { clients, serverPort, subnet: { broadcast, text } }: LotterySettings,
  { agencies, port, broadcastIp }: ServerSettings,
  place: (name: string) => string,
): string[] {
  const faults: string[] = [];
  if (agencies !== clients) {
    faults.push(
      `AGENCIES_AMOUNT is ${agencies} in server/config.ini, and CLIENTS is ${clients} in ${
        place("CLIENTS")
      }: write the same number in both, or the draw waits for agencies that have no client`,
    );
  }
  if (port !== serverPort) {
    faults.push(
      `SERVER_PORT is ${port} in server/config.ini and ${serverPort} in ${place("SERVER_PORT")}: ` +
        `write the same port in both`,
    );
  }
  if (broadcastIp !== broadcast) {
    faults.push(
      `UDP_BROADCAST_IP is ${broadcastIp} in server/config.ini, and DOCKET_SUBNET is ${text} in .env: ` +
        `write UDP_BROADCAST_IP = ${broadcast}, the broadcast address of that subnet`,
    );
  }
  return faults;
}

function compareClient({ serverName, serverPort }: LotterySettings, client: ClientSettings) {
  const [address, written] = [`${serverName}:${serverPort}`, `${client.host}:${client.port}`];
  if (written === address) return [];
  return [
    `server.address is ${written} in client/config.yaml, and SERVER_NAME:SERVER_PORT is ${address} in ` +
    `.env: write the same in both`,
  ];
}

/**
 * Returns the variables that `up` passes on from its own environment to servers and clients. `up` reads
 * their logs, so a log level that would hide what it needs is lowered.
 */
export function passedOn(
  { server, client }: RunSettings,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): { server: Record<string, string>; client: Record<string, string> } {
  const pick = (names: readonly string[]) => {
    const pairs = names.map((name) => [name, environment(name) ?? ""] as const);
    return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
  };
  const variables = { server: pick(SERVER_PASSED_ON), client: pick(CLIENT_PASSED_ON) };
  if (hides(SERVER_LEVELS, server.logLevel, "INFO")) variables.server.LOGGING_LEVEL = "INFO";
  if (hides(CLIENT_LEVELS, client.logLevel, "info")) variables.client.CLI_LOG_LEVEL = "info";
  return variables;
}

/** Whether a log of level `level` omits lines of level `shown`. `levels` ascends in severity. */
function hides(levels: Record<string, string>, level: string, shown: string): boolean {
  const order = Object.keys(levels);
  return order.indexOf(level) > order.indexOf(shown);
}
