/**
 * A network in memory. Its connections deliver bytes in pieces of random size, stall, and break;
 * its datagrams are lost or forged.
 *
 * @module
 */

import type { ChangeSignal } from "../../server/ledger/file/draw_signal.ts";
import type { Random } from "../../testing/random.ts";

/** One end of a connection, for a client or for a server's session. */
export interface WireEnd {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** Bytes in transit in one direction. */
class Stream {
  readonly #random: Random;
  #bytes = new Uint8Array();
  #state: "open" | "ended" | "broken" = "open";
  #wake: () => void = () => {};
  /** How many more bytes arrive; later ones are lost. */
  bytesLeft = Infinity;
  /** Holds back all bytes until it resolves. */
  stalled: Promise<void> = Promise.resolve();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes some of the bytes; returns how many. Those that do not arrive any more count too. */
  put(bytes: Uint8Array): number {
    if (this.#state !== "open") throw new Deno.errors.BrokenPipe("broken pipe");
    const taken = 1 + this.#random.below(bytes.length);
    const arriving = bytes.subarray(0, Math.min(taken, this.bytesLeft));
    this.#bytes = new Uint8Array([...this.#bytes, ...arriving]);
    this.bytesLeft -= taken;
    this.#wake();
    return taken;
  }

  async take(bytes: Uint8Array): Promise<number | null> {
    await this.stalled;
    while (this.#bytes.length === 0) {
      if (this.#state === "broken") throw new Deno.errors.ConnectionReset("connection reset");
      if (this.#state === "ended") return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      await this.stalled;
    }
    const count = 1 + this.#random.below(Math.min(bytes.length, this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    return count;
  }

  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#wake();
  }

  /** Loses all further bytes. Those that have arrived can still be read. */
  break(): void {
    this.#state = "broken";
    this.#wake();
  }
}

/** A connection. */
export class Wire {
  /** Whether it is never stalled. */
  isSteady = false;
  readonly #toServer: Stream;
  readonly #toClient: Stream;

  constructor(random: Random) {
    this.#toServer = new Stream(random);
    this.#toClient = new Stream(random);
  }

  get clientEnd(): WireEnd {
    return this.#end(this.#toClient, this.#toServer);
  }

  get serverEnd(): WireEnd {
    return this.#end(this.#toServer, this.#toClient);
  }

  /** Breaks the connection once `bytes` more bytes have arrived at one end. */
  breakAfter(bytes: number, towards: "server" | "client"): void {
    (towards === "server" ? this.#toServer : this.#toClient).bytesLeft = bytes;
  }

  /** Holds back what the client sends, as if the server were paused. */
  stall(timeMs: number): void {
    this.#toServer.stalled = new Promise((resolve) => setTimeout(resolve, timeMs));
  }

  /** Breaks the connection now. */
  break(): void {
    this.#toServer.break();
    this.#toClient.break();
  }

  #end(incoming: Stream, outgoing: Stream): WireEnd {
    return {
      read: (bytes) => incoming.take(bytes),
      write: async (bytes) => {
        const count = outgoing.put(bytes);
        if (outgoing.bytesLeft <= 0) this.break();
        return await Promise.resolve(count);
      },
      closeWrite: () => Promise.resolve(outgoing.end()),
      close: () => {
        outgoing.end();
        incoming.break();
      },
    };
  }
}

/** One in this many datagrams is lost. */
const DATAGRAM_LOSS = 2;

/** Datagrams between servers. */
export class DatagramNetwork {
  readonly #random: Random;
  readonly #listeners = new Set<() => void>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Opens a socket, whose datagrams go to every open socket. */
  open(): ChangeSignal {
    let ownListener: () => void = () => {};
    return {
      onSignal: (listener) => {
        ownListener = listener;
        this.#listeners.add(listener);
      },
      send: () => {
        for (const listener of this.#listeners) {
          if (!this.#random.once(DATAGRAM_LOSS)) listener();
        }
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => {
        this.#listeners.delete(ownListener);
        return Promise.resolve();
      },
    };
  }

  /** Delivers a datagram that no server sent to one open socket, if there is any. */
  forge(): void {
    if (this.#listeners.size > 0) this.#random.pick([...this.#listeners])();
  }
}
