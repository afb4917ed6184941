/**
 * Connections that end with a reset.
 *
 * @module
 */

import { connect } from "node:net";

/** Connects to a port of this host and resets the connection, as a load balancer's probe may do. */
export function resetConnection(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => socket.resetAndDestroy());
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
}
