/**
 * A crowd of clients that are slow, broken or hostile. They take up a server's places and time, and
 * each reconnects as soon as it is disconnected.
 *
 * @module
 */

import { pause } from "../../shared/pause.ts";
import { Counter } from "./counter.ts";
import type { Address } from "../../testing/ports.ts";
import type { Random } from "../../testing/random.ts";

/** Pause before a client reconnects: the run is to strain the server, not this process. */
const RECONNECT_MS = 20;
/** Pause between two writes of a slow client. */
const SLOW_MS = 50;
/** How many requests a client sends whose answers it never reads. */
const REQUESTS = 2000;
const GARBAGE_BYTES_MAX = 2000;
const HALF_PACKET_BYTES = 60_000;
const ENDLESS_CHUNK_BYTES = 16 * 1024;
const PACKET = "StoreBatch:1;Ana;Paz;1;1980-01-01;1:Eva;Rey;2;1990-01-01;2";

/** What a client of the crowd works with. */
interface Means {
  connection: Deno.TcpConn;
  random: Random;
  halfPacketBytes: number;
}

/** What a client of the crowd does on a connection. At its end it hangs up. */
interface Conduct {
  /** Does what makes it a burden. @default {nothing: the connection is enough} */
  begin?: (means: Means) => Promise<void>;
  goOn: (means: Means) => Promise<void>;
}

const CONDUCTS = {
  /** Sends nothing. */
  "idle": { goOn: waitForEnd },
  /** Sends the beginning of a long packet, and nothing more. */
  "half packets": {
    begin: async ({ connection, halfPacketBytes }) =>
      await send(connection, "StoreBatch:1;".padEnd(halfPacketBytes, "x")),
    goOn: waitForEnd,
  },
  /** Sends a packet slowly, byte by byte, and never its end. */
  "single bytes": {
    goOn: async ({ connection }) => {
      for (const character of PACKET.repeat(20)) await sendLater(connection, character);
    },
  },
  /** Keeps asking for progress, and reads no answer. */
  "deaf": {
    begin: async ({ connection }) => await send(connection, "ProgressRequest:1\n".repeat(REQUESTS)),
    goOn: async ({ connection }) => {
      for (;;) await sendLater(connection, "ProgressRequest:1\n");
    },
  },
  /** Keeps asking for winners, and reads no answer. */
  "deaf winners": {
    goOn: async ({ connection }) => {
      for (;;) await sendLater(connection, "WinnersRequest:1\n");
    },
  },
  /** Sends random bytes. */
  "garbage": {
    begin: async ({ connection, random }) => {
      const garbage = new Uint8Array(1 + random.below(GARBAGE_BYTES_MAX));
      for (let at = 0; at < garbage.length; at++) garbage[at] = random.below(256);
      await send(connection, garbage);
    },
    goOn: async (means) => {
      await send(means.connection, "\n");
      await waitForEnd(means);
    },
  },
  /** Sends a packet that never ends. */
  "endless packets": {
    begin: async ({ connection }) => await send(connection, "StoreBatch:1;"),
    goOn: async ({ connection }) => {
      for (;;) await sendLater(connection, "x".repeat(ENDLESS_CHUNK_BYTES));
    },
  },
  /** Disconnects in the middle of a packet. */
  "vanishing": {
    goOn: async ({ connection, random }) =>
      await send(connection, PACKET.slice(0, random.below(PACKET.length))),
  },
} as const satisfies Record<string, Conduct>;

/** How a crowd behaves. */
export type CrowdKind = keyof typeof CONDUCTS;
/** All kinds of crowd. */
export const CROWD_KINDS = Object.keys(CONDUCTS) as CrowdKind[];

/** Options of {@linkcode Crowd}. */
export interface CrowdOptions {
  kind: CrowdKind;
  /** How many clients. */
  size: number;
  /** Returns where the server listens. */
  address: () => Address;
  random: Random;
  /** Size of half a packet. @default {60_000} */
  halfPacketBytes?: number;
}

/** Clients that do their worst until disposed. */
export class Crowd implements AsyncDisposable {
  /** How often a client has become a burden: it connected, and did what its conduct begins with. */
  readonly burdens: Counter = new Counter();
  readonly #options: CrowdOptions;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #clients: Promise<void>[];
  #hasEnded = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#clients = Array.from({ length: options.size }, () => this.#live(options.random.fork()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasEnded = true;
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    await Promise.all(this.#clients);
  }

  async #live(random: Random): Promise<void> {
    while (!this.#hasEnded) {
      try {
        await this.#visit(random);
      } catch {
        // The server disconnected it, or is down.
      }
      await pause(RECONNECT_MS);
    }
  }

  async #visit(random: Random): Promise<void> {
    const { address, kind, halfPacketBytes = HALF_PACKET_BYTES } = this.#options;
    const { begin, goOn }: Conduct = CONDUCTS[kind];
    const connection = await Deno.connect(address());
    if (this.#hasEnded) return connection.close();
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

/** Waits until the server closes the connection. */
async function waitForEnd({ connection }: Means): Promise<void> {
  const bytes = new Uint8Array(1024);
  while (await connection.read(bytes) !== null);
}

/**
 * Pauses, then sends. A client that never reads notices the connection's end only when it sends.
 */
async function sendLater(connection: Deno.TcpConn, text: string): Promise<void> {
  await pause(SLOW_MS);
  await send(connection, text);
}
