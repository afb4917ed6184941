/**
 * The settings of a client: from flags first, then the environment, then config.yaml, then the default.
 *
 * @module
 */

import { AGENCIES_MAX, PACKET_BYTES_MIN } from "../shared/mod.ts";
import { parseAddress, SettingsError, SettingsReader } from "../shared/config.ts";
import { CLIENT_LEVELS, LOG_FORMATS, type LogFormat } from "../shared/logging.ts";
import type { TlsDemands } from "./dialer.ts";
import { environmentVariable } from "./environment.ts";
import { type ParseYaml, readYamlFile } from "./yaml_file.ts";

/** The settings of a client. config.yaml explains each. */
export interface ClientSettings {
  agency: number;
  host: string;
  port: number;
  /** What the servers must show over TLS; nothing for plain TCP. */
  tls: TlsDemands | undefined;
  /** Reads the agency's key; nothing if it has none. */
  readKey: (() => string) | undefined;
  logLevel: string;
  logFormat: LogFormat;
  /** The file of bets, or the folder that holds it as agency-N.csv. */
  data: string;
  /** The file for the result in JSON, if one is asked for. */
  result: string | undefined;
  /** Most bets in a packet. */
  batchSize: number;
  /** Longest packet, in bytes, line end included. */
  batchBytesMax: number;
  /** Longest time for connecting, and for an answer. */
  answerTimeoutMs: number;
  /** Gives up after nothing has worked for this long. */
  retryMs: number;
  /** Asks for the winners again after this long without an answer. */
  winnersTimeoutMs: number;
  /** Whether the servers may be ones that do not know ProgressRequest. */
  legacyServer: boolean;
}

/** Where a client's settings come from. */
export interface ClientSettingsSources {
  /** Parses config.yaml: its errors, but a SyntaxError, are passed on. */
  parseYaml: ParseYaml;
  /** Values of the flags, by the names of the environment variables that they override. */
  flags?: Readonly<Record<string, string | undefined>>;
  /** @default {environmentVariable} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
}

/** The files to look for, in this order, unless one is named. */
const FILES = ["config.yaml", "client/config.yaml"];

/**
 * Reads the settings of a client.
 *
 * @throws {SettingsError} With everything that is missing, misspelled or out of range.
 */
export function readClientSettings(sources: ClientSettingsSources): ClientSettings {
  const { flags = {}, environment = environmentVariable, parseYaml: parse } = sources;
  const { readFile = Deno.readTextFileSync } = sources;
  const named = flags.CLI_CONFIG ?? environment("CLI_CONFIG");
  const yaml = named
    ? readYamlFile([named], { readFile, parse, mustExist: true })
    : readYamlFile(FILES, { readFile, parse });
  // Without the file, nothing can be said about the settings that it has.
  if (yaml.isMissing && yaml.fault) throw new SettingsError("client", [yaml.fault]);
  const reader = new SettingsReader({
    program: "client",
    environment,
    flagOf: (variable) => ({ name: flagName(variable), value: flags[variable] }),
    environmentName: (name) => `CLI_${name.toUpperCase().replaceAll(".", "_")}`,
    file: yaml.settings,
    fileName: yaml.fileName,
  });
  if (yaml.fault !== undefined) reader.fault(yaml.fault);
  const agency = reader.integer("id", { min: 1, max: AGENCIES_MAX });
  const server = readServer(reader, readFile);
  const settings: ClientSettings = {
    agency,
    ...server,
    readKey: readAgencyKey(reader, { environment, readFile, isTls: server.tls !== undefined }),
    logLevel: reader.oneOf("log.level", Object.keys(CLIENT_LEVELS), "info"),
    logFormat: reader.oneOf(
      "log.format",
      LOG_FORMATS,
      // The setting of servers, so that one variable changes all of a lottery.
      (environment("LOG_FORMAT")?.trim() || "text") as LogFormat,
    ),
    data: reader.text("data", "data"),
    // Agencies may share config.yaml, but not a result.
    result: flags.CLI_RESULT || environment("CLI_RESULT") || undefined,
    batchSize: reader.integer("batch_size", { min: 1, max: 100_000, default: 100 }),
    batchBytesMax: reader.integer("batch_bytes_max", {
      min: PACKET_BYTES_MIN,
      max: 16 * 1024 * 1024,
      default: 8192,
    }),
    answerTimeoutMs: readSeconds(reader, "answer_seconds", 10),
    retryMs: readSeconds(reader, "retry_seconds", 60),
    winnersTimeoutMs: readSeconds(reader, "winners_seconds", 60),
    legacyServer: reader.flag("legacy_server", false),
  };
  reader.finish();
  return settings;
}

/** The servers' address, and whether and how they speak TLS. */
function readServer(
  reader: SettingsReader,
  readFile: (path: string) => string,
): Pick<ClientSettings, "host" | "port" | "tls"> {
  const address = readAddress(reader);
  const isTls = reader.flag("server.tls", false);
  const caFile = reader.text("server.ca", "");
  const name = reader.text("server.name", "");
  if (!isTls) {
    const given = [caFile && "server.ca", name && "server.name"].filter(Boolean).join(" and ");
    if (given !== "") {
      reader.fault(`${given}: given without server.tls: true (CLI_SERVER_TLS=true): set it, too`);
    }
    return { ...address, tls: undefined };
  }
  const caCerts = caFile === "" ? [] : [readCertificates(reader, caFile, readFile)];
  return { ...address, tls: { name: name || address.host, caCerts } };
}

function readCertificates(
  reader: SettingsReader,
  path: string,
  readFile: (path: string) => string,
): string {
  try {
    const text = readFile(path);
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
    reader.fault(`server.ca is ${path}, which has no certificate in PEM`);
  } catch (error) {
    reader.fault(`server.ca is ${path}, which cannot be read: ${(error as Error).message}`);
  }
  return "";
}

/** A key as `./denow task keys` prints it: 32 bytes in Base64 for URLs. */
const KEY = /^[\w-]{43}$/;

/** Finds the agency's key. It is never a flag, which everybody on the machine could read. */
function readAgencyKey(
  reader: SettingsReader,
  { environment, readFile, isTls }: Required<Omit<ClientSettingsSources, "flags" | "parseYaml">> & {
    isTls: boolean;
  },
): (() => string) | undefined {
  const path = reader.text("key_file", "");
  const given = environment("CLI_KEY")?.trim() || undefined;
  if (path === "" && given === undefined) return undefined;
  if (path !== "" && given !== undefined) {
    reader.fault("CLI_KEY and key_file (CLI_KEY_FILE) are both given: give one of them");
  }
  if (!isTls) {
    reader.fault(
      "the key of the agency is given without TLS: set server.tls: true (CLI_SERVER_TLS=true), too",
    );
  }
  const readKey = () => {
    const key = given ?? readFile(path).trim();
    if (KEY.test(key)) return key;
    const place = given === undefined ? path : "CLI_KEY in the environment";
    throw new Error(
      `${place} has no key of 43 letters, digits, - and _, as ./denow task keys prints it`,
    );
  };
  try {
    readKey();
  } catch (error) {
    reader.fault(`the key of the agency cannot be read: ${(error as Error).message}`);
  }
  return readKey;
}

function readAddress(reader: SettingsReader): { host: string; port: number } {
  const text = reader.text("server.address");
  const address = parseAddress(text);
  if (text !== "" && address === undefined) {
    reader.fault(`server.address is ${JSON.stringify(text)}: give host:port, such as server:12345`);
  }
  return address ?? { host: "", port: 0 };
}

function readSeconds(reader: SettingsReader, name: string, defaultSeconds: number): number {
  return 1000 * reader.integer(name, { min: 1, max: 86_400, default: defaultSeconds });
}

/** Returns the flag that overrides an environment variable: `--batch-size` for CLI_BATCH_SIZE. */
function flagName(name: string): string {
  if (name === "CLI_SERVER_ADDRESS") return "--address";
  return `--${name.slice("CLI_".length).toLowerCase().replaceAll("_", "-")}`;
}
