/**
 * The network as the client uses it.
 *
 * @module
 */

import { isTlsRecord } from "../shared/tls_records.ts";

/** A connection: the part of Deno.TcpConn that is used. */
export interface Transport {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Finds the addresses of a host name, and connects to one of them. */
export interface Dialer {
  /** Returns the addresses of a host name. If it is unknown, rejects or returns an empty list. */
  resolve(host: string): Promise<string[]>;
  connect(address: { hostname: string; port: number }): Promise<Transport>;
}

/** What a client demands of servers that speak TLS. */
export interface TlsDemands {
  /** The name for which their certificate must be valid. */
  name: string;
  /** The authorities that may have issued it, in PEM; those that Deno knows if there are none. */
  caCerts: readonly string[];
}

const SPEAKS_TLS =
  "the server speaks TLS: set server.tls: true (CLI_SERVER_TLS=true), and server.ca " +
  "(CLI_SERVER_CA) unless a public authority has issued its certificate";
// No advice to do without TLS: who stands between client and server may have removed it.
const SPEAKS_PLAIN =
  "the server does not speak TLS, which server.tls (CLI_SERVER_TLS) demands: give the " +
  "servers SERVER_TLS_CERT and SERVER_TLS_KEY, or find out who else answers at this address";

/** The real network, over plain TCP. */
export const TCP_DIALER: Dialer = {
  resolve,
  connect: async (address) => checkFirstRead(await dial(address), requirePlain),
};

/** Returns the real network over TLS. The handshake takes place with the first packet. */
export function tlsDialer({ name, caCerts }: TlsDemands): Dialer {
  return {
    resolve,
    async connect(address) {
      const options = { hostname: name, ...caCerts.length > 0 && { caCerts: [...caCerts] } };
      const connection = await Deno.startTls(await dial(address), options);
      const explain = (error: unknown) => {
        throw explainHandshake(error, name);
      };
      return {
        read: (bytes) => connection.read(bytes).catch(explain),
        write: (bytes) => connection.write(bytes).catch(explain),
        close: () => connection.close(),
      };
    },
  };
}

// Unlike Deno.resolveDns(), this also reads /etc/hosts, and finds IPv6 addresses.
async function resolve(host: string): Promise<string[]> {
  // Loaded late: an address needs no look-up, and modules of Node take long to load.
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

async function dial(address: { hostname: string; port: number }): Promise<Deno.TcpConn> {
  const connection = await Deno.connect(address);
  // Packets are small and each waits for an answer.
  connection.setNoDelay(true);
  // The kernel then detects a server that has vanished, though only after hours.
  connection.setKeepAlive(true);
  return connection;
}

/** Returns a transport that passes the first bytes it reads to `check`, which throws if they are wrong. */
function checkFirstRead(transport: Transport, check: (bytes: Uint8Array) => void): Transport {
  let isFirst = true;
  return {
    async read(bytes) {
      const count = await transport.read(bytes);
      if (isFirst && count !== null) check(bytes.subarray(0, count));
      isFirst = false;
      return count;
    },
    write: (bytes) => transport.write(bytes),
    close: () => transport.close(),
  };
}

function requirePlain(bytes: Uint8Array): void {
  if (isTlsRecord(bytes)) throw new Error(SPEAKS_TLS);
}

/** Returns an error that says what to do after the TLS library's; other errors unchanged. */
function explainHandshake(error: unknown, name: string): unknown {
  if (!(error instanceof Deno.errors.InvalidData)) return error;
  const { message } = error;
  const reason = /InvalidContentType|alert: ProtocolVersion/.test(message)
    ? SPEAKS_PLAIN
    : /expired/i.test(message)
    ? `the server's certificate has expired: its operator has to renew it (${message})`
    : /not valid (yet|before)/i.test(message) || message.includes("NotValidYet")
    ? `the server's certificate is not valid yet: check the clocks (${message})`
    : /not valid for name|NotValidForName/.test(message)
    ? `the server's certificate is not for ${name}: check server.address, or set server.name ` +
      `(CLI_SERVER_NAME) to a name that it is for (${message})`
    : /UnknownIssuer|BadSignature/.test(message)
    ? "the server's certificate comes from an unknown authority: set server.ca (CLI_SERVER_CA) to the file " +
      `with that authority's certificate (${message})`
    : `the TLS handshake failed: ${message}`;
  return new Error(reason, { cause: error });
}
