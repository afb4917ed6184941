/**
 * Settings that stand in several files and must agree: .env, server/config.ini, client/config.yaml.
 *
 * @module
 */

import { type ClientSettings, readClientSettings } from "../../client/settings.ts";
import { readServerSettings, type ServerSettings } from "../../server/settings.ts";
import { SettingsError } from "../../shared/config.ts";
import { CLIENT_LEVELS, SERVER_LEVELS } from "../../shared/logging.ts";
import { type LotterySettings, readLotterySettings } from "./env_file.ts";
import { CLIENT_PASSED_ON, SERVER_PASSED_ON } from "./permissions.ts";

/** All that `deno task up` needs to know. */
export interface Agreement {
  lottery: LotterySettings;
  server: ServerSettings;
  client: ClientSettings;
}

/** Where the settings are read from. */
export interface AgreementSources {
  /** The project's root folder. */
  root: string;
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
}

/**
 * Reads all settings and checks that they agree.
 *
 * @throws {SettingsError} With everything that is wrong in any of the files, and how to mend it.
 */
export function readAgreement(sources: AgreementSources): Agreement {
  const { root, environment = (name) => Deno.env.get(name), readFile = Deno.readTextFileSync } =
    sources;
  const faults: string[] = [];
  const lottery = collect(faults, () => {
    return readLotterySettings({ text: readFile(`${root}/.env`), environment });
  });
  /** The environment of a service: what is passed on to it, and what `given` adds. */
  const limited = (names: readonly string[], given: Record<string, string>) => (name: string) =>
    given[name] ?? (names.includes(name) ? environment(name) : undefined);
  const server = collect(faults, () =>
    readServerSettings({
      environment: limited(SERVER_PASSED_ON, { SERVER_CONFIG: `${root}/server/config.ini` }),
      readFile,
    }));
  const client = collect(faults, () =>
    readClientSettings({
      // Every client has an agency of its own; which one makes no difference here.
      environment: limited(CLIENT_PASSED_ON, {
        CLI_CONFIG: `${root}/client/config.yaml`,
        CLI_ID: "1",
      }),
      readFile,
    }));
  /** Where a setting of the lottery was found. */
  const place = (name: string) => environment(name)?.trim() ? "the environment" : ".env";
  if (lottery !== undefined && server !== undefined) {
    faults.push(...compare(lottery, server, place));
  }
  if (lottery !== undefined && client !== undefined) {
    faults.push(...compareClient(lottery, client));
  }
  if (lottery === undefined || server === undefined || client === undefined || faults.length > 0) {
    throw new SettingsError("the lottery", faults);
  }
  return { lottery, server, client };
}

/** What `read` returns; where it throws a SettingsError, its faults are added and nothing is returned. */
function collect<Settings>(faults: string[], read: () => Settings): Settings | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    faults.push(...error.faults);
  }
}

function compare(
  lottery: LotterySettings,
  server: ServerSettings,
  place: (name: string) => string,
): string[] {
  const faults: string[] = [];
  if (server.agencies !== lottery.clients) {
    faults.push(
      `AGENCIES_AMOUNT is ${server.agencies} in server/config.ini, and CLIENTS is ${lottery.clients} ` +
        `in ${
          place("CLIENTS")
        }: write the same number in both, or the draw waits for agencies that nobody starts`,
    );
  }
  if (server.port !== lottery.serverPort) {
    faults.push(
      `SERVER_PORT is ${server.port} in server/config.ini and ${lottery.serverPort} in ` +
        `${place("SERVER_PORT")}: write the same port in both`,
    );
  }
  const { broadcast, text } = lottery.subnet;
  if (server.broadcastIp !== broadcast) {
    faults.push(
      `UDP_BROADCAST_IP is ${server.broadcastIp} in server/config.ini, and DOCKET_SUBNET is ${text} in ` +
        `.env: write UDP_BROADCAST_IP = ${broadcast}, the broadcast address of that subnet`,
    );
  }
  return faults;
}

function compareClient(lottery: LotterySettings, client: ClientSettings): string[] {
  const address = `${lottery.serverName}:${lottery.serverPort}`;
  const written = `${client.host}:${client.port}`;
  if (written === address) return [];
  return [
    `server.address is ${written} in client/config.yaml, and SERVER_NAME:SERVER_PORT is ` +
    `${address} in .env: write the same in both`,
  ];
}

/**
 * The environment's settings for servers and clients, taken from that of `deno task up`. `up` reads what
 * they log about their work, so a level that would hide it is lowered to the one that shows it.
 */
export function passedOn(
  { server, client }: Agreement,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): { server: Record<string, string>; client: Record<string, string> } {
  const pick = (names: readonly string[]) => {
    const pairs = names.map((name) => [name, environment(name) ?? ""] as const);
    return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
  };
  const forServer = pick(SERVER_PASSED_ON);
  const forClient = pick(CLIENT_PASSED_ON);
  if (hides(SERVER_LEVELS, server.logLevel, "INFO")) forServer.LOGGING_LEVEL = "INFO";
  if (hides(CLIENT_LEVELS, client.logLevel, "info")) forClient.CLI_LOG_LEVEL = "info";
  return { server: forServer, client: forClient };
}

/** Whether a log of level `level` does not show lines of level `shown`; `levels` has the least one first. */
function hides(levels: Record<string, string>, level: string, shown: string): boolean {
  const order = Object.keys(levels);
  return order.indexOf(level) > order.indexOf(shown);
}
