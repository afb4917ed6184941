/**
 * The floor of intake: a server that appends packets as they come and syncs them as ours does, but
 * neither parses nor checks nor locks anything. What it takes, no server of this kind can do without.
 *
 * Arguments: the folder for its file. It prints `port N` when it is ready.
 *
 * @module
 */

import { ByteBuffer } from "../shared/bytes.ts";
import { FrameBuffer } from "../shared/framing.ts";
import { FolderDisk, writeAll } from "../server/ledger/disk.ts";
import { Lane, turnEnd } from "../server/ledger/lane.ts";

const [folder] = Deno.args;
const STORED = new TextEncoder().encode("StoreResponse:0\n");
const LINE_END = 0x0a;

const file = new FolderDisk(folder).open("floor.txt");
const lane = new Lane();
let size = 0;
let round = new ByteBuffer(64 * 1024);
let spare = new ByteBuffer(64 * 1024);
let waiting: (() => void)[] = [];

function append(packet: Uint8Array): Promise<void> {
  round.write(packet);
  round.writeByte(LINE_END);
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting.push(resolve);
  if (waiting.length === 1) lane.run(writeRound);
  return promise;
}

async function writeRound(): Promise<void> {
  await turnEnd();
  const [bytes, answered] = [round, waiting];
  [round, spare, waiting] = [spare, bytes, []];
  writeAll(file, bytes.view(), size);
  size += bytes.length;
  file.syncNow();
  bytes.length = 0;
  for (const answer of answered) answer();
}

async function converse(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const frames = new FrameBuffer(64 * 1024);
  for (;;) {
    const packet = frames.take();
    if (packet !== undefined) {
      await append(packet);
      await connection.write(STORED);
      continue;
    }
    const count = await connection.read(frames.space());
    if (count === null) break;
    frames.filled(count);
  }
  connection.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 512 });
console.log(`port ${listener.addr.port}`);
for await (const connection of listener) void converse(connection);
