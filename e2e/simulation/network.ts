/**
 * A network in memory: connections that deliver bytes in pieces, and break when they are told to.
 *
 * @module
 */

import type { Random } from "../../testing/random.ts";

/** One end of a connection, for a client or for a server's session. */
export interface WireEnd {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** Bytes on their way in one direction. */
class Stream {
  readonly #random: Random;
  #bytes = new Uint8Array();
  #isEnded = false;
  #isBroken = false;
  #wake: () => void = () => {};
  /** Bytes that still get through before the connection breaks. */
  bytesLeft = Infinity;
  /** Holds back the bytes until it settles. */
  stalled: Promise<void> = Promise.resolve();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes some of the bytes. Those behind the last that gets through are lost. */
  put(bytes: Uint8Array): number {
    if (this.#isBroken || this.#isEnded) throw new Deno.errors.BrokenPipe("broken pipe");
    const taken = 1 + this.#random.below(bytes.length);
    const passed = bytes.subarray(0, Math.min(taken, this.bytesLeft));
    this.#bytes = new Uint8Array([...this.#bytes, ...passed]);
    this.bytesLeft -= taken;
    this.#wake();
    return taken;
  }

  async take(bytes: Uint8Array): Promise<number | null> {
    await this.stalled;
    while (this.#bytes.length === 0) {
      if (this.#isBroken) throw new Deno.errors.ConnectionReset("connection reset");
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      await this.stalled;
    }
    const count = 1 + this.#random.below(Math.min(bytes.length, this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    return count;
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Nothing gets through any more; what has arrived can still be read. */
  break(): void {
    this.#isBroken = true;
    this.#wake();
  }
}

/** A connection. */
export class Wire {
  readonly #toServer: Stream;
  readonly #toClient: Stream;

  constructor(random: Random) {
    this.#toServer = new Stream(random);
    this.#toClient = new Stream(random);
  }

  /** The end that a client holds. */
  get clientEnd(): WireEnd {
    return this.#end(this.#toClient, this.#toServer);
  }

  /** The end that a server holds. */
  get serverEnd(): WireEnd {
    return this.#end(this.#toServer, this.#toClient);
  }

  /** Breaks the connection when so many more bytes have gone towards the server, or the client. */
  breakAfter(bytes: number, towards: "server" | "client"): void {
    (towards === "server" ? this.#toServer : this.#toClient).bytesLeft = bytes;
  }

  /** Keeps what the client has sent from the server for a while, as if the server were paused. */
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
