/**
 * Addresses and ports of this machine.
 *
 * @module
 */

/** Where a server, or a proxy in front of one, listens. */
export interface Address {
  hostname: string;
  port: number;
}

/** Returns a port that no program uses at the moment. */
export function freePort(transport: "tcp" | "udp"): number {
  const options = { hostname: "0.0.0.0", port: 0 };
  const socket = transport === "tcp"
    ? Deno.listen(options)
    : Deno.listenDatagram({ ...options, transport });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}
