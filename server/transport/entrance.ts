/**
 * The first bytes of a connection: do both sides speak TLS, or neither?
 *
 * @module
 */

import { isTlsRecord, PROTOCOL_VERSION_ALERT } from "../../shared/tls_records.ts";

/** The part of Deno.TcpConn, and of Deno.TlsConn, that a server uses. */
export interface Connection {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** Options of {@linkcode enter}. */
export interface EntranceOptions {
  /** Whether the connection was accepted over TLS. */
  isTls: boolean;
  /** Called once, with the reason, if only one of the two sides speaks TLS, or the handshake fails. */
  onRefused: (reason: string) => void;
}

const SPEAKS_TLS = "the peer speaks TLS and this port does not: set SERVER_TLS_CERT and " +
  "SERVER_TLS_KEY here, or server.tls: false in the client";
const SPEAKS_PLAIN =
  "the peer does not speak TLS, which this port requires: set server.tls: true in the client";

/**
 * Returns a connection whose first read fails, with a reason for an operator, if the peer speaks TLS where it
 * should not, or the TLS handshake fails. Such a peer is sent an alert of TLS, by the system if the port speaks it.
 */
export function enter(connection: Connection, options: EntranceOptions): Connection {
  let isEntering = true;
  return {
    read: (bytes) => {
      if (!isEntering) return connection.read(bytes);
      isEntering = false;
      return options.isTls
        ? readAfterHandshake(connection, bytes, options)
        : readUnlessTls(connection, bytes, options);
    },
    write: (bytes) => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
  };
}

async function readUnlessTls(
  connection: Connection,
  bytes: Uint8Array,
  { onRefused }: EntranceOptions,
): Promise<number | null> {
  const count = await connection.read(bytes);
  if (count === null || !isTlsRecord(bytes.subarray(0, count))) return count;
  onRefused(SPEAKS_TLS);
  await connection.write(PROTOCOL_VERSION_ALERT);
  throw new Error(SPEAKS_TLS);
}

async function readAfterHandshake(
  connection: Connection,
  bytes: Uint8Array,
  { onRefused }: EntranceOptions,
): Promise<number | null> {
  try {
    return await connection.read(bytes);
  } catch (cause) {
    // Anything else means that the peer is gone.
    if (!(cause instanceof Deno.errors.InvalidData)) throw cause;
    const reason = describeHandshakeFailure(cause.message);
    onRefused(reason);
    throw new Error(reason, { cause });
  }
}

/** Returns what an operator needs to know from a message of the TLS library. */
function describeHandshakeFailure(message: string): string {
  if (message.includes("InvalidContentType")) return SPEAKS_PLAIN;
  const [, alert] = /fatal alert: (\w+)/.exec(message) ?? [];
  return alert === undefined
    ? `the TLS handshake failed: ${message}`
    : `the peer refuses the certificate of this server, or its TLS: ${alert}`;
}
