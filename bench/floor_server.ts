/**
 * The floor of intake: a server that appends packets to a file as they come and syncs them before it answers,
 * but neither parses nor checks nor locks anything. No server of this kind can be faster.
 *
 * It relies on each connection sending one packet and waiting for its answer, so it need not find the ends of
 * packets. It does its work in the fastest of the ways that were tried in Deno. Like ours, it writes and syncs
 * together what arrives in one turn of the event loop.
 *
 * The argument is the file to append to, which several such servers may share. It prints `port N` when it is
 * ready.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { LINE_FEED } from "../shared/ascii.ts";
import { ByteBuffer } from "../shared/bytes.ts";

/** A connection and its read buffer. */
interface Peer {
  connection: Deno.TcpConn;
  bytes: Uint8Array<ArrayBuffer>;
}

const [path] = Deno.args;
const STORED = new TextEncoder().encode("StoreResponse:0\n");
/** Longer than any packet of the load. */
const READ_BYTES = 64 * 1024;

const file = Deno.openSync(path, { append: true, create: true });
const round = new ByteBuffer(1024 * 1024);
let waiting: Peer[] = [];

async function receive(peer: Peer): Promise<void> {
  for (;;) {
    const count = await peer.connection.read(peer.bytes);
    if (count === null) return peer.connection.close();
    round.write(peer.bytes.subarray(0, count));
    if (peer.bytes[count - 1] === LINE_FEED) break;
  }
  waiting.push(peer);
  if (waiting.length === 1) setImmediate(store);
}

function store(): void {
  const packets = round.view();
  for (let at = 0; at < packets.length;) at += file.writeSync(packets.subarray(at));
  file.syncDataSync();
  round.length = 0;
  const stored = waiting;
  waiting = [];
  for (const peer of stored) void answer(peer);
}

async function answer(peer: Peer): Promise<void> {
  await peer.connection.write(STORED);
  await receive(peer);
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 512 });
console.log(`port ${listener.addr.port}`);
for await (const connection of listener) {
  connection.setNoDelay(true);
  void receive({ connection, bytes: new Uint8Array(READ_BYTES) });
}
