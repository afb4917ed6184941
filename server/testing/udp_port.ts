/**
 * A UDP port for the broadcasts of a test.
 *
 * @module
 */

/** A port that no other test uses, and a socket that receives what is sent to it. */
export interface UdpPort extends Disposable {
  port: number;
  socket: Deno.DatagramConn;
}

/** Binds a free UDP port that the signals of the test may share. */
export function openUdpPort(): UdpPort {
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "0.0.0.0",
    port: 0,
    reuseAddress: true,
  });
  const { port } = socket.addr as Deno.NetAddr;
  return { port, socket, [Symbol.dispose]: () => socket.close() };
}
