/**
 * The settings of a server: the environment first, then config.ini, then the default.
 *
 * @module
 */

import { parse } from "@std/ini";
import { AGENCIES_MAX, NUMBER_MAX, PACKET_BYTES_MIN } from "../shared/mod.ts";
import { type IntegerRule, SettingsReader } from "../shared/config.ts";
import { LOG_FORMATS, type LogFormat, SERVER_LEVELS } from "../shared/logging.ts";
import { type AuditSettings, readAuditSettings } from "./audit/audit_settings.ts";
import { type Ipv4Range, parseIpv4Ranges } from "./ipv4_ranges.ts";
import { type LedgerSettings, readLedgerSettings } from "./ledger/ledger_settings.ts";
import type { TlsFiles } from "./transport/tls_pair.ts";

/** The settings of a server. docs/settings.md explains each. */
export interface ServerSettings {
  port: number;
  listenBacklog: number;
  broadcastIp: string;
  broadcastPort: number;
  agencies: number;
  logLevel: string;
  logFormat: LogFormat;
  listenIp: string;
  /** Whether several servers on this host share the ports. */
  reusePort: boolean;
  connectionsMax: number;
  /** The share of each source address. It may have more places while no other address needs them. */
  connectionsPerAddressMax: number;
  /** Connections that each agency may have; nothing if there is no limit. */
  connectionsPerAgencyMax: number | undefined;
  /** Bets that each agency may send in a second; nothing if there is no limit. */
  betsPerSecondMax: number | undefined;
  /** Addresses that stand for many agencies: each of their connections counts as an address. */
  trustedProxies: readonly Ipv4Range[];
  waitingMax: number;
  /** Agencies whose number of stored bets a connection keeps. */
  agenciesPerConnectionMax: number;
  packetBytesMax: number;
  idleMs: number;
  /** Replaces `idleMs` while another connection waits for a place. */
  crowdedIdleMs: number;
  drawPollMs: number;
  /** The port of the server's status; nothing if it has none. */
  statusPort: number | undefined;
  statusIp: string;
  /** The certificate of the port; nothing if it speaks plain TCP. */
  tls: TlsFiles | undefined;
  /** The same for the port of the status. */
  statusTls: TlsFiles | undefined;
  /** The file with what servers store of the keys of agencies; nothing if agencies have none. */
  agencyKeys: string | undefined;
  winningNumber: number;
  /** The folder of bets.csv and agencies_closed.txt. */
  sharedVolume: string;
  ledger: LedgerSettings;
  /** Nothing if it has no audit log. */
  audit: AuditSettings | undefined;
}

/** Connections that may wait for a place, for each place: in short turns they wait for half a second. */
const ARRIVALS_PER_PLACE = 2;

/** How many accepted connections may wait for a place. */
export function arrivalsMax(
  { connectionsMax, listenBacklog }: Pick<ServerSettings, "connectionsMax" | "listenBacklog">,
): number {
  return Math.max(listenBacklog, ARRIVALS_PER_PLACE * connectionsMax);
}

const HERE = import.meta.dirname ?? ".";

/** Where the settings of a server come from. */
export interface ServerSettingsSources {
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
}

/**
 * Reads the settings of a server.
 *
 * @throws {SettingsError} Naming every missing, misspelled or invalid setting.
 */
export function readServerSettings(sources: ServerSettingsSources = {}): ServerSettings {
  const { environment = (name) => Deno.env.get(name), readFile = Deno.readTextFileSync } = sources;
  const fileName = environment("SERVER_CONFIG") || `${HERE}/config.ini`;
  const { fault, ...file } = readIni(fileName, readFile);
  const reader = new SettingsReader({ program: "server", environment, fileName, ...file });
  if (fault !== undefined) reader.fault(fault);
  const connectionsMax = reader.integer("SERVER_MAX_CONNECTIONS", {
    min: 1,
    max: 65535,
    default: 512,
  });
  const settings: ServerSettings = {
    port: reader.integer("SERVER_PORT", { min: 0, max: 65535 }),
    listenBacklog: reader.integer("SERVER_LISTEN_BACKLOG", { min: 1, max: 65535 }),
    broadcastIp: reader.ipv4("UDP_BROADCAST_IP"),
    broadcastPort: reader.integer("UDP_BROADCAST_PORT", { min: 0, max: 65535 }),
    agencies: reader.integer("AGENCIES_AMOUNT", { min: 1, max: AGENCIES_MAX }),
    logLevel: reader.oneOf("LOGGING_LEVEL", Object.keys(SERVER_LEVELS)),
    logFormat: reader.oneOf("LOG_FORMAT", LOG_FORMATS, "text"),
    listenIp: reader.ipv4("SERVER_LISTEN_IP", "0.0.0.0"),
    reusePort: reader.flag("SERVER_REUSE_PORT", false),
    connectionsMax,
    connectionsPerAddressMax: reader.integer("SERVER_MAX_CONNECTIONS_PER_ADDRESS", {
      min: 1,
      max: 65535,
      default: Math.max(1, Math.floor(connectionsMax / 4)),
    }),
    connectionsPerAgencyMax: readOptional(reader, "SERVER_MAX_CONNECTIONS_PER_AGENCY", {
      min: 1,
      max: 65535,
    }),
    betsPerSecondMax: readOptional(reader, "SERVER_MAX_BETS_PER_SECOND", {
      min: 1,
      max: 1_000_000_000,
    }),
    trustedProxies: readRanges(reader, "SERVER_TRUSTED_PROXIES"),
    waitingMax: reader.integer("SERVER_MAX_WAITING", { min: 1, max: 65535, default: 1024 }),
    agenciesPerConnectionMax: reader.integer("SERVER_MAX_AGENCIES_PER_CONNECTION", {
      min: 1,
      max: AGENCIES_MAX,
      default: 100,
    }),
    packetBytesMax: reader.integer("SERVER_MAX_PACKET_BYTES", {
      min: PACKET_BYTES_MIN,
      max: 16 * 1024 * 1024,
      default: 64 * 1024,
    }),
    idleMs: 1000 * reader.integer("SERVER_IDLE_SECONDS", { min: 1, max: 86_400, default: 60 }),
    crowdedIdleMs: 1000 * reader.integer("SERVER_CROWDED_IDLE_SECONDS", {
      min: 1,
      max: 86_400,
      default: 5,
    }),
    statusPort: readOptional(reader, "STATUS_PORT", { min: 0, max: 65535 }),
    statusIp: reader.ipv4("STATUS_IP", "127.0.0.1"),
    tls: readTlsFiles(reader, "SERVER"),
    statusTls: readTlsFiles(reader, "STATUS"),
    agencyKeys: reader.text("AGENCY_KEYS", "") || undefined,
    drawPollMs: 1000 * reader.integer("DRAW_POLL_SECONDS", { min: 1, max: 3600, default: 1 }),
    winningNumber: reader.integer("LOTTERY_WINNER_NUMBER", {
      min: 0,
      max: NUMBER_MAX,
      default: 7574,
    }),
    sharedVolume: reader.text("SHARED_VOLUME", `${HERE}/shared-volume`),
    ledger: readLedgerSettings(reader),
    audit: readAuditSettings(reader),
  };
  if (settings.agencyKeys !== undefined && settings.tls === undefined) {
    // A plain TCP connection can be hijacked after the exchange, and an exchange that was overheard
    // helps a thief of the file.
    reader.fault("AGENCY_KEYS is given without TLS: set SERVER_TLS_CERT and SERVER_TLS_KEY, too");
  }
  reader.finish();
  return settings;
}

/** Reads an integer that may be missing. */
function readOptional(
  reader: SettingsReader,
  name: string,
  rule: Pick<IntegerRule, "min" | "max">,
): number | undefined {
  return reader.text(name, "") === "" ? undefined : reader.integer(name, rule);
}

/** Reads the settings of a certificate and its key: both or none. */
function readTlsFiles(reader: SettingsReader, prefix: string): TlsFiles | undefined {
  const [certName, keyName] = [`${prefix}_TLS_CERT`, `${prefix}_TLS_KEY`];
  const [certFile, keyFile] = [reader.text(certName, ""), reader.text(keyName, "")];
  if (certFile === "" && keyFile === "") return undefined;
  if (certFile === "") reader.fault(`${keyName} is given without ${certName}: give both, or none`);
  if (keyFile === "") reader.fault(`${certName} is given without ${keyName}: give both, or none`);
  return { certFile, keyFile };
}

function readRanges(reader: SettingsReader, name: string): readonly Ipv4Range[] {
  const text = reader.text(name, "");
  const ranges = parseIpv4Ranges(text);
  if (ranges === undefined) {
    const example = "10.0.0.7, 192.168.0.0/16";
    reader.fault(
      `${name} is ${JSON.stringify(text)}: give IPv4 addresses or networks such as ${example}`,
    );
  }
  return ranges ?? [];
}

/** Reads the keys of an INI file, including those of its section DEFAULT. A missing file has none. */
function readIni(
  path: string,
  readFile: (path: string) => string,
): { file: Record<string, string>; isFileMissing?: boolean; fault?: string } {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { file: {}, isFileMissing: true };
    return { file: {}, fault: `${path} cannot be read: ${(error as Error).message}` };
  }
  try {
    const { DEFAULT: section, ...rest } = parse(text) as Record<string, unknown>;
    const entries = Object.entries({ ...rest, ...(section as Record<string, unknown> ?? {}) });
    return { file: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])) };
  } catch (error) {
    return { file: {}, fault: `${path} is not a valid INI file: ${(error as Error).message}` };
  }
}
