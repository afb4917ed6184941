/**
 * The load of a benchmark, in a thread of its own: connections that each send packets for an agency of their
 * own, and wait for the answer to each. The thread receives orders as messages, and answers each with a message.
 *
 * It lives as long as the benchmark, so that its code is compiled and warm when the figures count.
 *
 * @module
 */

import { COLON, LINE_FEED } from "../shared/ascii.ts";
import {
  AUTH_PACKET_BYTES_MAX,
  decodeAuthPacket,
  encodeAuthPacket,
} from "../shared/auth_packets.ts";
import { ByteBuffer } from "../shared/bytes.ts";
import { FrameBuffer } from "../shared/framing.ts";
import { beginClient } from "../shared/scram.ts";
import { type LoadResult, storeFor, takeOrders } from "./load_worker.ts";
import { madeBets } from "./made_bets.ts";

/** What to send, and where to. */
export interface LoadOrder {
  /** Ports on loopback, over which the connections are distributed in turn. */
  ports: readonly number[];
  connections: number;
  /** The agency of the first connection. Those of the others follow it. */
  firstAgency: number;
  packet: "StoreBet" | "StoreBatch";
  /** Most bets in a packet. */
  betsMax: number;
  /** Longest packet, in bytes, its newline included. */
  bytesMax: number;
  /** For how long to send new packets. */
  seconds: number;
  /** Over what to send. @default {plain TCP} */
  secure?: SecureOrder;
}

/** What servers with TLS, and perhaps with keys, demand. */
export interface SecureOrder {
  /** The certificate of the authority, in PEM. */
  ca: string;
  /** The name in the servers' certificate. */
  name: string;
  /** The key of each agency, agency 1 first. @default {none} */
  keys?: readonly string[];
}

interface Packet {
  bytes: Uint8Array<ArrayBuffer>;
  bets: number;
}

const encoder = new TextEncoder();
const STORED = encoder.encode("StoreResponse:0\n");
/** How many packets a connection alternates: a server must not find the same bytes in its caches each time. */
const PACKETS_OF_CONNECTION = 16;
const bets = madeBets(4096).map((fields) => encoder.encode(fields.join(";")));

/** Makes a packet of as many bets as fit, from bet `first` on. */
function makePacket(agency: number, first: number, order: LoadOrder): Packet {
  const buffer = new ByteBuffer();
  buffer.writeText(`${order.packet}:${agency};`);
  let count = 0;
  for (; count < order.betsMax; count++) {
    const bet = bets[(first + count) % bets.length];
    const separators = count > 0 ? 2 : 1;
    if (buffer.length + bet.length + separators > order.bytesMax) break;
    if (count > 0) buffer.writeByte(COLON);
    buffer.write(bet);
  }
  buffer.writeByte(LINE_FEED);
  return { bytes: buffer.view(), bets: count };
}

/** One agency's connection. */
class Sender {
  readonly #connection: Deno.Conn;
  readonly #packets: Packet[];
  readonly #answer = new Uint8Array(64);

  private constructor(connection: Deno.Conn, packets: Packet[]) {
    this.#connection = connection;
    this.#packets = packets;
  }

  static async connect(index: number, order: LoadOrder): Promise<Sender> {
    const agency = order.firstAgency + index;
    const packets = Array.from(
      { length: PACKETS_OF_CONNECTION },
      (_, at) => makePacket(agency, (index * PACKETS_OF_CONNECTION + at) * 97, order),
    );
    const port = order.ports[index % order.ports.length];
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    const { secure } = order;
    if (secure === undefined) return new Sender(connection, packets);
    const options = { hostname: secure.name, caCerts: [secure.ca] };
    const sender = new Sender(await Deno.startTls(connection, options), packets);
    const key = secure.keys?.[agency - 1];
    if (key !== undefined) await sender.#introduce(agency, key);
    return sender;
  }

  /** Sends the next packet, and waits for its answer. Returns how many bets it holds. */
  async storeNext(call: number): Promise<number> {
    const packet = this.#packets[call % this.#packets.length];
    await this.#write(packet.bytes);
    await this.#readStored();
    return packet.bets;
  }

  close(): void {
    this.#connection.close();
  }

  /** Proves that this is the agency. */
  async #introduce(agency: number, key: string): Promise<void> {
    const exchange = beginClient({ name: String(agency), key });
    const challenge = await this.#ask(encodeAuthPacket("AuthRequest", exchange.first));
    const proof = await exchange.answer(decodeAuthPacket("AuthChallenge", challenge));
    const welcome = await this.#ask(encodeAuthPacket("AuthProof", proof.final));
    if (proof.isServer(decodeAuthPacket("AuthResponse", welcome))) return;
    throw new Error(`Cannot measure: agency ${agency} is not admitted`);
  }

  /** Sends a packet and returns the line that answers it. */
  async #ask(packet: Uint8Array): Promise<Uint8Array> {
    await this.#write(packet);
    const frames = new FrameBuffer(AUTH_PACKET_BYTES_MAX);
    for (;;) {
      const line = frames.take();
      if (line !== undefined) return line;
      const count = await this.#connection.read(frames.space());
      if (count === null) throw new Error("Cannot measure: a server closed the connection");
      frames.filled(count);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async #readStored(): Promise<void> {
    const answer = this.#answer;
    let length = 0;
    while (length < STORED.length) {
      const count = await this.#connection.read(answer.subarray(length));
      if (count === null) throw new Error("Cannot measure: a server closed the connection");
      length += count;
    }
    for (let at = 0; at < length; at++) {
      if (answer[at] === STORED[at]) continue;
      const text = new TextDecoder().decode(answer.subarray(0, length));
      throw new Error(`Cannot measure: a server answered ${JSON.stringify(text)}`);
    }
  }
}

async function run(order: LoadOrder): Promise<LoadResult> {
  const indexes = Array.from({ length: order.connections }, (_, index) => index);
  const senders = await Promise.all(indexes.map((index) => Sender.connect(index, order)));
  try {
    return await storeFor(
      order.seconds,
      senders.map((sender) => (call) => sender.storeNext(call)),
    );
  } finally {
    for (const sender of senders) sender.close();
  }
}

takeOrders(run);
