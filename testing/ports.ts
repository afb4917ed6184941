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

/** Systems take the ports of outgoing connections from above this range. */
const STEADY_PORT_MIN = 10_000;
const STEADY_PORT_MAX = 29_999;

/**
 * Returns a TCP port that no program uses at the moment, and that no outgoing connection takes while
 * its program is down.
 */
export function steadyPort(): number {
  for (;;) {
    const [random] = crypto.getRandomValues(new Uint32Array(1));
    const port = STEADY_PORT_MIN + random % (STEADY_PORT_MAX - STEADY_PORT_MIN + 1);
    if (isFree(port)) return port;
  }
}

/** Returns whether no program uses a TCP port at the moment. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return false;
  }
}
