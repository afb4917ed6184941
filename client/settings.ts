/**
 * The settings of a client: flags first, then the environment, then config.yaml, then the default.
 *
 * @module
 */

import { parse } from "@std/yaml/parse";
import { AGENCIES_MAX, type Bet, dayNumber, describeFault } from "../shared/bet.ts";
import { parseAddress, SettingsError, SettingsReader } from "../shared/config.ts";
import { CLIENT_LEVELS } from "../shared/logging.ts";
import { PACKET_BYTES_MIN } from "../shared/packets.ts";
import { BetFileError, fieldsFault } from "./bet_source.ts";

/** What a client is told when it starts. config.yaml explains each. */
export interface ClientSettings {
  agency: number;
  host: string;
  port: number;
  logLevel: string;
  /** The file of bets, or its folder. */
  data: string;
  /** Most bets in a packet. */
  batchSize: number;
  /** Longest packet, in bytes, its line end included. */
  batchBytesMax: number;
  answerTimeoutMs: number;
  retryMs: number;
  winnersPatienceMs: number;
}

/** Where settings of a client come from. */
export interface ClientSettingsSources {
  /** Values of the flags, by the names of the variables in the environment that they override. */
  flags?: Readonly<Record<string, string | undefined>>;
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
}

/** Looked for in this order, where no file is named. */
const FILES = ["config.yaml", "client/config.yaml"];

/**
 * Reads the settings of a client.
 *
 * @throws {SettingsError} With all that is missing, misspelt or impossible.
 */
export function readClientSettings(sources: ClientSettingsSources = {}): ClientSettings {
  const { flags = {}, environment = (name) => Deno.env.get(name) } = sources;
  const { readFile = Deno.readTextFileSync } = sources;
  const { file, fileName, fault } = readYaml(
    flags.CLI_CONFIG ?? environment("CLI_CONFIG"),
    readFile,
  );
  const reader = new SettingsReader({
    program: "client",
    environment: (name) => flags[name] ?? environment(name),
    environmentName: (name) => `CLI_${name.toUpperCase().replaceAll(".", "_")}`,
    file,
    fileName,
  });
  if (fault !== undefined) reader.fault(fault);
  const settings: ClientSettings = {
    agency: reader.integer("id", { min: 1, max: AGENCIES_MAX }),
    ...readAddress(reader),
    logLevel: reader.oneOf("log.level", Object.keys(CLIENT_LEVELS), "info"),
    data: reader.text("data", "data"),
    batchSize: reader.integer("batch_size", { min: 1, max: 100_000, default: 100 }),
    batchBytesMax: reader.integer("batch_bytes_max", {
      min: PACKET_BYTES_MIN,
      max: 16 * 1024 * 1024,
      default: 8192,
    }),
    answerTimeoutMs: readSeconds(reader, "answer_seconds", 10),
    retryMs: readSeconds(reader, "retry_seconds", 60),
    winnersPatienceMs: readSeconds(reader, "winners_seconds", 60),
  };
  finish(reader, flags);
  return settings;
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

/** The variables of the environment that hold a single bet, in the order of its fields. */
const BET_VARIABLES = ["NOMBRE", "APELLIDO", "DOCUMENTO", "NACIMIENTO", "NUMERO"];

/**
 * Reads a single bet.
 *
 * @throws {SettingsError} If something of it is missing.
 * @throws {BetFileError} If it breaks a rule.
 */
export function readBet(
  { flags = {}, environment = (name) => Deno.env.get(name) }: ClientSettingsSources = {},
): Omit<Bet, "agency"> {
  const values = BET_VARIABLES.map((name) => flags[name] ?? environment(name) ?? "");
  const missing = BET_VARIABLES.filter((_, index) => values[index] === "");
  if (missing.length > 0) {
    const faults = missing.map((name) =>
      `${name} is missing: give --${name.toLowerCase()}, or ${name} in the environment`
    );
    throw new SettingsError("client", faults);
  }
  const fault = fieldsFault(values, dayNumber(Date.now()));
  if (fault !== undefined) throw new BetFileError(`Cannot send bet: ${describeFault(fault)}`);
  const [firstName, lastName, document, birthdate, number] = values;
  return { firstName, lastName, document, birthdate, number: Number(number) };
}

interface YamlSettings {
  file: Record<string, string>;
  fileName: string;
  fault?: string;
}

/** The settings of a YAML file, those of a section by names such as `log.level`. */
function readYaml(named: string | undefined, readFile: (path: string) => string): YamlSettings {
  const found = findFile(named, readFile);
  if (found.text === undefined) return { file: {}, ...found };
  const { fileName, text } = found;
  try {
    // With this schema all values stay the texts that they are in the file.
    return { fileName, ...flatten(parse(text, { schema: "failsafe" }) ?? {}, fileName) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { file: {}, fileName, fault: `${fileName} is no YAML file: ${error.message}` };
  }
}

function findFile(
  named: string | undefined,
  readFile: (path: string) => string,
): { fileName: string; text?: string; fault?: string } {
  for (const fileName of named ? [named] : FILES) {
    try {
      return { fileName, text: readFile(fileName) };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && !named) continue;
      return { fileName, fault: `${fileName} cannot be read: ${(error as Error).message}` };
    }
  }
  return { fileName: FILES[0] };
}

function flatten(
  settings: unknown,
  fileName: string,
): { file: Record<string, string>; fault?: string } {
  const file: Record<string, string> = {};
  let fault: string | undefined;
  const add = (value: unknown, path: string): void => {
    if (typeof value === "string" || value === null || value === undefined) {
      file[path] = value ?? "";
    } else if (typeof value === "object" && !Array.isArray(value)) {
      const prefix = path === "" ? "" : `${path}.`;
      for (const [key, inner] of Object.entries(value)) add(inner, `${prefix}${key}`);
    } else fault = `${path || "its content"} in ${fileName} is a list: give one value`;
  };
  if (typeof settings === "string") return { file, fault: `${fileName} holds no settings` };
  add(settings, "");
  return { file, fault };
}

/** Ends the reading. The messages name the flags too. */
function finish(
  reader: SettingsReader,
  flags: Readonly<Record<string, string | undefined>>,
): void {
  try {
    reader.finish();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const named = error.faults.map((fault) =>
      fault
        .replace(/\((CLI_\w+) in the environment\)/, (place, name) =>
          flags[name] === undefined ? place : `(${flagOf(name)})`)
        .replace(/or (CLI_\w+) in the environment$/, (place, name) =>
          `${place.slice("or ".length)}, or give ${flagOf(name)}`)
    );
    throw new SettingsError("client", named);
  }
}

/** The flag that overrides a variable of the environment: `--batch-size` for CLI_BATCH_SIZE. */
function flagOf(name: string): string {
  if (name === "CLI_SERVER_ADDRESS") return "--address";
  return `--${name.slice("CLI_".length).toLowerCase().replaceAll("_", "-")}`;
}
