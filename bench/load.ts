/**
 * The load of an intake benchmark, in a process of its own: connections that each send a batch and wait for
 * its answer. Takes its options as JSON in the first argument, prints its result as JSON.
 *
 * @module
 */

import { encodeStoreHead } from "../shared/packets.ts";

/** What to send, and where. */
export interface LoadOptions {
  /** Ports on loopback; connections are dealt out to them in turn. */
  ports: number[];
  connections: number;
  /** Agencies that the connections send for, in turn. */
  agencies: number;
  bets: number;
  batchSize: number;
}

/** What it took. */
export interface LoadResult {
  betsPerSecond: number;
  /** Time from a batch's first byte to its answer, in milliseconds. */
  p50Ms: number;
  p99Ms: number;
}

const LINE_END = 0x0a;
/** Different packets of a connection: a server must not find the same bytes in its caches each time. */
const PACKETS_OF_CONNECTION = 16;
const NAMES = ["Santiago Lionel", "Agustina", "Tiago Nicolás", "Lautaro", "María Belén", "Axel"];
const LAST_NAMES = ["Lorca", "Zambrano", "Rivera", "Fornerón", "Saldaña", "Borges"];

function makePacket(agency: number, seed: number, batchSize: number): Uint8Array<ArrayBuffer> {
  const bets = Array.from({ length: batchSize }, (_, index) => {
    const mixed = Math.imul(seed * 7919 + index, 2654435761) >>> 0;
    const name = NAMES[mixed % NAMES.length];
    const lastName = LAST_NAMES[(mixed >>> 8) % LAST_NAMES.length];
    const birthdate = `${1950 + mixed % 50}-0${1 + mixed % 9}-1${mixed % 10}`;
    return `${name};${lastName};${20_000_000 + mixed % 20_000_000};${birthdate};${mixed % 10_000}`;
  });
  const head = new TextDecoder().decode(encodeStoreHead("StoreBatch", agency));
  return new TextEncoder().encode(`${head}${bets.join(":")}\n`);
}

async function send(index: number, options: LoadOptions, timesMs: number[]): Promise<void> {
  const { ports, connections, agencies, bets, batchSize } = options;
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: ports[index % ports.length],
  });
  connection.setNoDelay(true);
  const packets = Array.from(
    { length: PACKETS_OF_CONNECTION },
    (_, seed) => makePacket(index % agencies + 1, index * 100 + seed, batchSize),
  );
  const answer = new Uint8Array(64);
  const batches = Math.ceil(bets / connections / batchSize);
  for (let batch = 0; batch < batches; batch++) {
    const begin = performance.now();
    let packet = packets[batch % packets.length];
    while (packet.length > 0) packet = packet.subarray(await connection.write(packet));
    const length = await connection.read(answer) ?? 0;
    const text = new TextDecoder().decode(answer.subarray(0, length));
    if (answer[length - 1] !== LINE_END || text !== "StoreResponse:0\n") {
      throw new Error(`Cannot measure: the server answered ${JSON.stringify(text)}`);
    }
    timesMs.push(performance.now() - begin);
  }
}

if (import.meta.main) {
  const options: LoadOptions = JSON.parse(Deno.args[0]);
  const timesMs: number[] = [];
  const begin = performance.now();
  const senders = Array.from({ length: options.connections }, (_, i) => send(i, options, timesMs));
  await Promise.all(senders);
  const seconds = (performance.now() - begin) / 1000;
  timesMs.sort((a, b) => a - b);
  const result: LoadResult = {
    betsPerSecond: timesMs.length * options.batchSize / seconds,
    p50Ms: timesMs[Math.floor(timesMs.length * 0.5)],
    p99Ms: timesMs[Math.floor(timesMs.length * 0.99)],
  };
  console.log(JSON.stringify(result));
}
