/**
 * The floors of intake: servers that store packets as they come and make them durable before they answer, but
 * neither parse nor check nor lock anything. No server of this kind can be faster.
 *
 * There are two, which differ in what they sync:
 *
 * - `file`: the file that they append to, which several of them may share. Each sync also commits its new size.
 * - `log`: a log of their own that has its full size from the start, as databases do it. The packets are in the
 *   shared file as well, which is not synced.
 *
 * Both rely on each connection sending one packet and waiting for its answer, so they need not find the ends of
 * packets. They do their work in the fastest of the ways that were tried in Deno. Like ours, they write and sync
 * together what arrives in one turn of the event loop.
 *
 * The arguments are the file to append to, and the log if there is one. It prints `port N` when it is ready.
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

/** Makes packets durable. */
type Store = (packets: Uint8Array) => void;

const [path, logPath] = Deno.args;
const STORED = new TextEncoder().encode("StoreResponse:0\n");
/** Longer than any packet of the load. */
const READ_BYTES = 64 * 1024;
/** Far more than all packets of a turn. */
const LOG_BYTES = 16 * 1024 * 1024;
/** Records begin at such borders, so that a write that fails harms no other record. */
const LOG_BLOCK_BYTES = 4096;

const store = logPath === undefined ? appendSynced(path) : appendLogged(path, logPath);
const round = new ByteBuffer(1024 * 1024);
let waiting: Peer[] = [];

function appendSynced(path: string): Store {
  const file = Deno.openSync(path, { append: true, create: true });
  return (packets) => {
    writeAll(file, packets);
    file.syncDataSync();
  };
}

function appendLogged(path: string, logPath: string): Store {
  const file = Deno.openSync(path, { append: true, create: true });
  const log = Deno.openSync(logPath, { write: true, createNew: true });
  writeAll(log, new Uint8Array(LOG_BYTES));
  log.syncSync();
  let logAt = 0;
  return (packets) => {
    writeAll(file, packets);
    if (logAt + packets.length > LOG_BYTES) logAt = 0;
    log.seekSync(logAt, Deno.SeekMode.Start);
    writeAll(log, packets);
    log.syncDataSync();
    logAt += Math.ceil(packets.length / LOG_BLOCK_BYTES) * LOG_BLOCK_BYTES;
  };
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

async function receive(peer: Peer): Promise<void> {
  for (;;) {
    const count = await peer.connection.read(peer.bytes);
    if (count === null) return peer.connection.close();
    round.write(peer.bytes.subarray(0, count));
    if (peer.bytes[count - 1] === LINE_FEED) break;
  }
  waiting.push(peer);
  if (waiting.length === 1) setImmediate(endTurn);
}

function endTurn(): void {
  store(round.view());
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
