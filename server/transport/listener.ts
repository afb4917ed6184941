/**
 * The sockets on which connections arrive, over TCP or TLS.
 *
 * @module
 */

import type { Connection } from "./entrance.ts";

/** A connection as a listener accepts it. Those over TLS cannot be tuned. */
export interface AcceptedConnection extends Connection {
  readonly remoteAddr: Deno.NetAddr;
  setNoDelay?(noDelay?: boolean): void;
  setKeepAlive?(keepAlive?: boolean): void;
}

/** Accepts connections. */
export interface Listener {
  readonly addr: Deno.NetAddr;
  accept(): Promise<AcceptedConnection>;
  close(): void;
}

/** Where to listen. */
export interface ListenAddress {
  hostname: string;
  /** 0 for any free port. */
  port: number;
  /** Whether several processes share the port. @default {false} */
  reusePort?: boolean;
  tcpBacklog: number;
}

/** Listens for plain TCP. @throws If the address cannot be bound. */
export function listenTcp(address: ListenAddress): Listener {
  return Deno.listen({ ...address });
}
