/**
 * The floor of a server on JetStream: it takes packets over TCP, publishes each as it comes, without a condition, and
 * answers once it is stored. It neither parses nor checks what it takes, and reads nothing back.
 *
 * It relies on each connection sending one packet and waiting for its answer, so it need not find the ends of packets.
 *
 * Its argument is its {@linkcode PublishFloorOptions} in JSON. It prints `port N` when it is ready.
 *
 * @module
 */

import { LINE_FEED } from "../shared/ascii.ts";
import { openPublishFloor, type PublishFloorOptions } from "./publish_floor.ts";

const STORED = new TextEncoder().encode("StoreResponse:0\n");
/** Longer than any packet of the load. */
const READ_BYTES = 64 * 1024;

const store = await openPublishFloor(JSON.parse(Deno.args[0]) as PublishFloorOptions);

/** Serves a connection. Each stands for an agency. */
async function serve(connection: Deno.TcpConn, agency: number): Promise<void> {
  const bytes = new Uint8Array(READ_BYTES);
  let length = 0;
  for (;;) {
    const count = await connection.read(bytes.subarray(length));
    if (count === null) return connection.close();
    length += count;
    if (bytes[length - 1] !== LINE_FEED) continue;
    await store(agency, bytes.subarray(0, length));
    length = 0;
    await connection.write(STORED);
  }
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 512 });
console.log(`port ${(listener.addr as Deno.NetAddr).port}`);
let connections = 0;
for await (const connection of listener) {
  connection.setNoDelay(true);
  void serve(connection, ++connections % 10_000);
}
