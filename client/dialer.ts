/**
 * The network as the client uses it.
 *
 * @module
 */

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

/** The real network. */
export const TCP_DIALER: Dialer = {
  // Unlike Deno.resolveDns(), this also reads /etc/hosts, and finds IPv6 addresses.
  async resolve(host) {
    // Loaded late: an address needs no look-up, and modules of Node take long to load.
    const { lookup } = await import("node:dns/promises");
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address);
  },
  async connect(address) {
    const connection = await Deno.connect(address);
    // Packets are small and each waits for an answer.
    connection.setNoDelay(true);
    // The kernel then detects a server that has vanished, though only after hours.
    connection.setKeepAlive(true);
    return connection;
  },
};
