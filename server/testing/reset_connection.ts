/**
 * Connections that end with a reset.
 *
 * @module
 */

import { connect } from "node:net";

/**
 * Connects to a port of this host and resets the connection, as a load balancer's probe may do.
 *
 * @param packet What to send before.
 * @param isTime Resolves when it is time for the reset.
 */
export function resetConnection(
  port: number,
  packet = "",
  isTime: Promise<void> = Promise.resolve(),
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("close", () => resolve());
    socket.on("error", reject);
    socket.on("connect", () => {
      if (packet !== "") socket.write(packet);
      isTime.then(() => socket.resetAndDestroy(), reject);
    });
  });
}
