/**
 * Which engine keeps the bets, and what it needs: LEDGER and the settings whose names begin with it.
 *
 * @module
 */

import { parseAddress, type SettingsReader } from "../../shared/config.ts";
import { quoteText } from "../../shared/readable.ts";

/** The engine of the ledger. */
export type LedgerSettings =
  /** Files on SHARED_VOLUME. */
  | { engine: "files" }
  /** NATS JetStream. */
  | { engine: "nats" } & NatsSettings;

/** The settings of a ledger on NATS JetStream. */
export interface NatsSettings {
  /** `host:port` of each node. */
  nodes: readonly string[];
  /** Whether connections are encrypted. */
  isTls: boolean;
  /** LEDGER_NAME. All names of streams and subjects begin with it. */
  name: string;
  /** LEDGER_PARTITIONS, for a draw that begins. */
  partitions: number;
  /** LEDGER_REPLICAS. */
  replicas: number;
  /** Empty if no user is needed. */
  user: string;
  password: string;
  /** Path of the seed of an nkey; empty if there is none. */
  nkeyFile: string;
  /** Path of a credentials file; empty if there is none. */
  credentialsFile: string;
  /** Paths of certificates and a key in PEM; empty for the system's authorities and no certificate. */
  tls: { caFile: string; certFile: string; keyFile: string; isFirst: boolean };
}

/** The port of a node that LEDGER names without one. */
const NODE_PORT = 4222;
/** Most streams of a draw. */
const PARTITIONS_MAX = 64;

const LEDGER_FORM = "give files, or the nodes of a cluster such as nats://host1,host2,host3 " +
  "(tls:// encrypts the connections)";

/** Reads the settings of the ledger. Faults are added to the reader. */
export function readLedgerSettings(reader: SettingsReader): LedgerSettings {
  const ledger = reader.text("LEDGER", "files");
  const settings: NatsSettings = {
    nodes: [],
    isTls: ledger.startsWith("tls://"),
    name: reader.text("LEDGER_NAME", "lottery"),
    partitions: reader.integer("LEDGER_PARTITIONS", { min: 1, max: PARTITIONS_MAX, default: 4 }),
    replicas: Number(reader.oneOf("LEDGER_REPLICAS", ["1", "3", "5"], "3")),
    user: reader.text("LEDGER_USER", ""),
    password: reader.text("LEDGER_PASSWORD", ""),
    nkeyFile: reader.text("LEDGER_NKEY_FILE", ""),
    credentialsFile: reader.text("LEDGER_CREDENTIALS_FILE", ""),
    tls: {
      caFile: reader.text("LEDGER_TLS_CA", ""),
      certFile: reader.text("LEDGER_TLS_CERT", ""),
      keyFile: reader.text("LEDGER_TLS_KEY", ""),
      isFirst: reader.flag("LEDGER_TLS_FIRST", false),
    },
  };
  if (!/^[a-z0-9-]{1,32}$/.test(settings.name)) {
    const rule = "give 1 to 32 lower-case letters, digits and hyphens";
    reader.fault(`LEDGER_NAME is ${quoteText(settings.name)}: ${rule}`);
  }
  if (ledger === "files") return { engine: "files" };
  for (const fault of accessFaults(settings)) reader.fault(fault);
  return { engine: "nats", ...settings, nodes: readNodes(reader, ledger) };
}

/** Parses the nodes of LEDGER. */
function readNodes(reader: SettingsReader, ledger: string): string[] {
  // A password must not get into a message.
  if (ledger.includes("@")) {
    reader.fault(
      "LEDGER has a user or a password before its host: give those in LEDGER_USER and LEDGER_PASSWORD",
    );
    return [];
  }
  const list = /^(?:nats|tls):\/\/(.*?)\/?$/.exec(ledger)?.[1] ?? "";
  const nodes = list.split(",").map((node) => node.trim()).map((node) =>
    node.includes(":") ? node : `${node}:${NODE_PORT}`
  );
  if (!nodes.every((node) => parseAddress(node) !== undefined)) {
    reader.fault(`LEDGER is ${quoteText(ledger)}: ${LEDGER_FORM}`);
  }
  return nodes;
}

/** What is wrong with the settings by which a server authenticates itself. */
function accessFaults({ isTls, user, password, nkeyFile, credentialsFile, tls }: NatsSettings) {
  const faults: string[] = [];
  if ((user === "") !== (password === "")) {
    faults.push("LEDGER_USER and LEDGER_PASSWORD belong together: give both or none");
  }
  if ([user, nkeyFile, credentialsFile].filter((text) => text !== "").length > 1) {
    faults.push("Give only one of LEDGER_USER, LEDGER_NKEY_FILE and LEDGER_CREDENTIALS_FILE");
  }
  if ((tls.certFile === "") !== (tls.keyFile === "")) {
    faults.push("LEDGER_TLS_CERT and LEDGER_TLS_KEY belong together: give both or none");
  }
  const hasTls = tls.caFile !== "" || tls.certFile !== "" || tls.isFirst;
  if (hasTls && !isTls) {
    faults.push("LEDGER_TLS_CA, _CERT, _KEY and _FIRST need LEDGER to begin with tls://");
  }
  return faults;
}
