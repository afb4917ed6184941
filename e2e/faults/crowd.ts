/**
 * A crowd of clients that mean no good, or are no clients: they take places and time of a server, and each
 * comes again as soon as it is sent away.
 *
 * @module
 */

import { Counter } from "./counter.ts";
import type { Address } from "../../testing/ports.ts";
import type { Random } from "../../testing/random.ts";

/** Rest of one that was sent away: it is the server that is to be tried, not this process. */
const REST_MS = 20;
/** Rest of one that sends slowly. */
const SLOW_MS = 50;
/** One that is to be answered much. */
const REQUESTS = 2000;
const GARBAGE_BYTES_MAX = 2000;
const HALF_PACKET_BYTES = 60_000;
const ENDLESS_CHUNK_BYTES = 16 * 1024;
const PACKET = "StoreBatch:1;Ana;Paz;1;1980-01-01;1:Eva;Rey;2;1990-01-01;2";

/** What a client of the crowd has at hand. */
interface Means {
  connection: Deno.TcpConn;
  random: Random;
  halfPacketBytes: number;
}

/** What a client of the crowd does with a connection; when it has done it, it hangs up. */
interface Conduct {
  /** What it takes to be a burden. @default {nothing but the connection} */
  begin?: (means: Means) => Promise<void>;
  goOn: (means: Means) => Promise<void>;
}

const CONDUCTS = {
  /** Says nothing. */
  "idle": { goOn: outlast },
  /** Says the beginning of a long packet, and nothing more. */
  "half packets": {
    begin: async ({ connection, halfPacketBytes }) =>
      await send(connection, "StoreBatch:1;".padEnd(halfPacketBytes, "x")),
    goOn: outlast,
  },
  /** Says a packet byte by byte, slowly, without its end. */
  "single bytes": {
    goOn: async ({ connection }) => {
      for (const character of PACKET.repeat(20)) await sendLater(connection, character);
    },
  },
  /** Asks and asks, and reads no answer. */
  "deaf": {
    begin: async ({ connection }) => await send(connection, "ProgressRequest:1\n".repeat(REQUESTS)),
    goOn: async ({ connection }) => {
      for (;;) await sendLater(connection, "ProgressRequest:1\n");
    },
  },
  /** Asks for winners, and reads no answer. */
  "deaf winners": {
    goOn: async ({ connection }) => {
      for (;;) await sendLater(connection, "WinnersRequest:1\n");
    },
  },
  /** Says what is no packet, again and again. */
  "garbage": {
    begin: async ({ connection, random }) => {
      const garbage = new Uint8Array(1 + random.below(GARBAGE_BYTES_MAX));
      for (let at = 0; at < garbage.length; at++) garbage[at] = random.below(256);
      await send(connection, garbage);
    },
    goOn: async (means) => {
      await send(means.connection, "\n");
      await outlast(means);
    },
  },
  /** Says a packet that does not end. */
  "endless packets": {
    begin: async ({ connection }) => await send(connection, "StoreBatch:1;"),
    goOn: async ({ connection }) => {
      for (;;) await sendLater(connection, "x".repeat(ENDLESS_CHUNK_BYTES));
    },
  },
  /** Is gone in the middle of a packet. */
  "vanishing": {
    goOn: async ({ connection, random }) =>
      await send(connection, PACKET.slice(0, random.below(PACKET.length))),
  },
} as const satisfies Record<string, Conduct>;

/** One of the ways in which a crowd behaves. */
export type CrowdKind = keyof typeof CONDUCTS;
/** All of them. */
export const CROWD_KINDS = Object.keys(CONDUCTS) as CrowdKind[];

/** Options of {@linkcode Crowd}. */
export interface CrowdOptions {
  kind: CrowdKind;
  /** How many clients. */
  size: number;
  /** Where the server listens. */
  address: () => Address;
  random: Random;
  /** Bytes of half a packet. @default {60_000} */
  halfPacketBytes?: number;
}

/** Clients that do their worst until disposed. */
export class Crowd implements AsyncDisposable {
  /** How often a client has become a burden: it is connected, and has sent what it takes. */
  readonly burdens: Counter = new Counter();
  readonly #options: CrowdOptions;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #clients: Promise<void>[];
  #isEnded = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#clients = Array.from({ length: options.size }, () => this.#live(options.random.fork()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    await Promise.all(this.#clients);
  }

  async #live(random: Random): Promise<void> {
    while (!this.#isEnded) {
      try {
        await this.#visit(random);
      } catch {
        // It was sent away, or there is nobody.
      }
      await rest(REST_MS);
    }
  }

  async #visit(random: Random): Promise<void> {
    const { address, kind, halfPacketBytes = HALF_PACKET_BYTES } = this.#options;
    const { begin, goOn }: Conduct = CONDUCTS[kind];
    const connection = await Deno.connect(address());
    if (this.#isEnded) return connection.close();
    this.#open.add(connection);
    const means = { connection, random, halfPacketBytes };
    try {
      await begin?.(means);
      this.burdens.add();
      await goOn(means);
    } finally {
      if (this.#open.delete(connection)) connection.close();
    }
  }
}

async function send(connection: Deno.TcpConn, data: string | Uint8Array): Promise<void> {
  let bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
}

/** Waits until the server ends the connection. */
async function outlast({ connection }: Means): Promise<void> {
  const bytes = new Uint8Array(1024);
  while (await connection.read(bytes) !== null);
}

/** Waits a little, then sends. Who does not read learns of the connection's end only by this. */
async function sendLater(connection: Deno.TcpConn, text: string): Promise<void> {
  await rest(SLOW_MS);
  await send(connection, text);
}

function rest(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}
