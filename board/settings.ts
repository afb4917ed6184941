/**
 * The settings of the board, all from the environment.
 *
 * @module
 */

import { parseAddress, SettingsReader } from "../shared/config.ts";
import { LOG_FORMATS, type LogFormat } from "../shared/logging.ts";
import { quoteText } from "../shared/readable.ts";

/** Whether documents of winners are shown whole. */
const DOCUMENT_STYLES = ["masked", "full"] as const;
export type DocumentStyle = typeof DOCUMENT_STYLES[number];

/** The languages of the page; `auto` is that of each visitor's browser. */
const LANGUAGES = ["auto", "en", "es"] as const;
export type Language = typeof LANGUAGES[number];

/** Where servers report their status. */
export interface ServerEntry {
  /** What to call the only server there. Without one, every address of the host is a server. */
  name?: string;
  /** An IPv4 address or a host name. */
  host: string;
  port: number;
}

/** The settings of the board. docs/board.md explains each. */
export interface BoardSettings {
  servers: readonly ServerEntry[];
  /** The file with the authorities of the servers' status, if it is asked over TLS. */
  statusCa: string | undefined;
  ip: string;
  /** 0 for any free port. */
  port: number;
  language: Language;
  documents: DocumentStyle;
  /** The folder of the records of draws. */
  draws: string;
  /** How many bets each agency will have, agency 1 first; nothing if that is not known. */
  betsExpected: readonly number[] | undefined;
  logFormat: LogFormat;
}

const HERE = import.meta.dirname ?? ".";

/**
 * Reads the settings of the board.
 *
 * @throws {SettingsError} Naming every missing or invalid setting.
 */
export function readBoardSettings(
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): BoardSettings {
  const reader = new SettingsReader({
    program: "board",
    environment,
    file: {},
    fileName: "the environment",
  });
  const settings: BoardSettings = {
    servers: readServers(reader),
    statusCa: reader.text("BOARD_STATUS_CA", "") || undefined,
    ip: reader.ipv4("BOARD_IP", "127.0.0.1"),
    port: reader.integer("BOARD_PORT", { min: 0, max: 65535, default: 8080 }),
    language: reader.oneOf("BOARD_LANGUAGE", LANGUAGES, "auto"),
    documents: reader.oneOf("BOARD_DOCUMENTS", DOCUMENT_STYLES, "masked"),
    draws: reader.text(
      "BOARD_DRAWS",
      `${HERE.replace(/[\\/]board$/, "")}/server/shared-volume/draws`,
    ),
    betsExpected: readBetsExpected(reader),
    logFormat: reader.oneOf("LOG_FORMAT", LOG_FORMATS, "text"),
  };
  reader.finish();
  return settings;
}

const EXAMPLE = "server:12346, or server1=127.0.0.1:20001,server2=127.0.0.1:20002";

function readServers(reader: SettingsReader): ServerEntry[] {
  const text = reader.text("BOARD_SERVERS", "");
  if (text === "") reader.fault(`BOARD_SERVERS is missing: say where servers are, ${EXAMPLE}`);
  return parseServers(text, (fault) => reader.fault(`BOARD_SERVERS has ${fault}`));
}

/**
 * Parses a list of status ports, `HOST:PORT` or `NAME=HOST:PORT`, separated by commas.
 *
 * @param fault Called with each invalid part: `"part": give …`.
 */
export function parseServers(text: string, fault: (message: string) => void): ServerEntry[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "").map((part) => {
    const match = /^(?:([\w.-]{1,64})=)?(.*)$/.exec(part);
    const address = parseAddress(match?.[2] ?? "");
    if (address === undefined) fault(`${quoteText(part)}: give HOST:PORT, such as ${EXAMPLE}`);
    const { host, port } = address ?? { host: "", port: 0 };
    return { ...match?.[1] !== undefined && { name: match[1] }, host, port };
  });
}

function readBetsExpected(reader: SettingsReader): number[] | undefined {
  const text = reader.text("BOARD_BETS_EXPECTED", "");
  if (text === "") return undefined;
  if (!/^\d{1,15}(,\d{1,15})*$/.test(text)) {
    reader.fault(
      `BOARD_BETS_EXPECTED is ${quoteText(text)}: give the bets of each agency, such as 1000,2500`,
    );
    return undefined;
  }
  return text.split(",").map(Number);
}
