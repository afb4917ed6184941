/**
 * A connection to the cluster, with the client of NATS.
 *
 * @module
 */

import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import {
  type Authenticator,
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { FatalLedgerError } from "../fatal_error.ts";
import type { NatsSettings } from "../ledger_settings.ts";
import { surviveAbandonedSockets } from "./abandoned_sockets.ts";

/** Earlier versions could accept the same expected sequence twice. */
export const OLDEST_VERSION = "2.10.23";

/** How long a request waits for its answer. An election takes several of them. */
export const ATTEMPT_MS = 2000;
/** Longest wait for a connection to one node. */
const DIAL_MS = 2000;
/** A paused node keeps its connections open: a connection is given up after two pings without an answer. */
const PING_MS = 1000;
/** Least time between two attempts to connect to the same node. */
const RECONNECT_MS = 250;

/** A connection, and the requests that manage streams. */
export interface Cluster {
  connection: NatsConnection;
  manager: JetStreamManager;
}

/**
 * Connects to any node. The connection moves to another one by itself when its node fails.
 *
 * @throws {FatalLedgerError} If the cluster does not accept this server, or is too old.
 * @throws If no node can be reached.
 */
export async function connectCluster(settings: NatsSettings): Promise<Cluster> {
  surviveAbandonedSockets();
  let connection: NatsConnection;
  try {
    connection = await connect(connectionOptions(settings));
  } catch (cause) {
    if (!(cause instanceof errors.AuthorizationError)) throw cause;
    throw new FatalLedgerError(
      `The cluster ${
        settings.nodes.join(", ")
      } does not accept this server: ${cause.message}. Check ` +
        "LEDGER_USER and LEDGER_PASSWORD, LEDGER_NKEY_FILE or LEDGER_CREDENTIALS_FILE",
      { cause },
    );
  }
  try {
    // Until the first connection, the client forgets nodes that it does not reach.
    connection.setServers([...settings.nodes]);
    assertVersion(connection);
    const manager = await jetstreamManager(connection, { timeout: ATTEMPT_MS, checkAPI: false });
    return { connection, manager };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/**
 * Makes sure that the connected node keeps its promises.
 *
 * @throws {FatalLedgerError} If its version is too old.
 */
export function assertVersion(connection: NatsConnection): void {
  const { version = "0", server_name: node } = connection.info ?? {};
  if (!isOlder(version, OLDEST_VERSION)) return;
  throw new FatalLedgerError(
    `Node ${node} runs NATS ${version}, which may store conflicting appends: upgrade every node of the ` +
      `cluster to ${OLDEST_VERSION} or later`,
  );
}

/** Whether a version such as `2.10.4` is older than another one. */
export function isOlder(version: string, than: string): boolean {
  const [ours, theirs] = [version, than].map((text) => text.split(/[.-]/, 3).map(Number));
  const at = theirs.findIndex((part, index) => ours[index] !== part);
  return at >= 0 && !(ours[at] > theirs[at]);
}

/** The code of an error that JetStream itself has answered; undefined for any other error. */
export function errorCodeOf(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

function connectionOptions(settings: NatsSettings): ConnectionOptions {
  return {
    name: "lottery-server",
    servers: [...settings.nodes],
    ...credentials(settings),
    tls: tlsOptions(settings),
    timeout: DIAL_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // Passwords may be changed while servers run.
    ignoreAuthErrorAbort: true,
    // The server has permission to reach the nodes of LEDGER, by those names, and no others.
    ignoreClusterUpdates: true,
    resolve: false,
    noAsyncTraces: true,
  };
}

function credentials(settings: NatsSettings): Partial<ConnectionOptions> {
  const { user, password, nkeyFile, credentialsFile } = settings;
  const authenticator: Authenticator[] = [];
  if (nkeyFile !== "") {
    const seed = readSecret("LEDGER_NKEY_FILE", nkeyFile);
    authenticator.push(nkeyAuthenticator(new TextEncoder().encode(seed.trim())));
  }
  if (credentialsFile !== "") {
    const text = readSecret("LEDGER_CREDENTIALS_FILE", credentialsFile);
    authenticator.push(credsAuthenticator(new TextEncoder().encode(text)));
  }
  return {
    ...user === "" ? {} : { user, pass: password },
    ...authenticator.length === 0 ? {} : { authenticator },
  };
}

function tlsOptions({ isTls, tls }: NatsSettings): ConnectionOptions["tls"] {
  if (!isTls) return undefined;
  const { caFile, certFile, keyFile, isFirst } = tls;
  return {
    ...caFile === "" ? {} : { ca: readSecret("LEDGER_TLS_CA", caFile) },
    ...certFile === "" ? {} : { cert: readSecret("LEDGER_TLS_CERT", certFile) },
    ...keyFile === "" ? {} : { key: readSecret("LEDGER_TLS_KEY", keyFile) },
    handshakeFirst: isFirst,
  };
}

function readSecret(setting: string, path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const message = `Cannot read ${path}, which ${setting} names: ${(cause as Error).message}`;
    throw new FatalLedgerError(message, { cause });
  }
}
