/**
 * Connections in memory, which deliver bytes in pieces of random size, stall, and break.
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

/** Bytes in transit in one direction. */
class Stream {
  readonly #random: Random;
  #bytes = new Uint8Array();
  #state: "open" | "ended" | "broken" = "open";
  #wake: () => void = () => {};
  /** How many more bytes arrive; later ones are lost. */
  bytesLeft = Infinity;
  /** A stall to come, after some more bytes. */
  nextStall: { bytes: number; timeMs: number } | undefined;
  /** Holds back all bytes until it resolves. */
  #stalled: Promise<void> = Promise.resolve();

  constructor(random: Random) {
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Takes some of the bytes; returns how many. Those that do not arrive any more count too. */
  put(bytes: Uint8Array): number {
    if (this.#state !== "open") throw new Deno.errors.BrokenPipe("broken pipe");
    const taken = 1 + this.#random.below(bytes.length);
    const arriving = bytes.subarray(0, Math.min(taken, this.bytesLeft));
    this.#bytes = new Uint8Array([...this.#bytes, ...arriving]);
    this.bytesLeft -= taken;
    if (this.nextStall !== undefined && (this.nextStall.bytes -= taken) <= 0) {
      this.stall(this.nextStall.timeMs);
      this.nextStall = undefined;
    }
    this.#wake();
    return taken;
  }

  async take(bytes: Uint8Array): Promise<number | null> {
    await this.#stalled;
    while (this.#bytes.length === 0) {
      if (this.#state === "broken") throw new Deno.errors.ConnectionReset("connection reset");
      if (this.#state === "ended") return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
      await this.#stalled;
    }
    const count = 1 + this.#random.below(Math.min(bytes.length, this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    return count;
  }

  stall(timeMs: number): void {
    this.#stalled = new Promise((resolve) => setTimeout(resolve, timeMs));
  }

  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#wake();
  }

  /** Loses all bytes, as when the reader closes its end. */
  close(): void {
    this.#bytes = new Uint8Array();
    this.break();
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

  /** Whether both ends may still send. */
  get isOpen(): boolean {
    return this.#toServer.isOpen && this.#toClient.isOpen;
  }

  /** Breaks the connection once `bytes` more bytes have arrived at one end. */
  breakAfter(bytes: number, towards: "server" | "client"): void {
    (towards === "server" ? this.#toServer : this.#toClient).bytesLeft = bytes;
  }

  /** Holds back what the client sends, as if the server were paused. */
  stall(timeMs: number): void {
    this.#toServer.stall(timeMs);
  }

  /** Does so once the client has sent `bytes` more bytes. */
  stallAfter(bytes: number, timeMs: number): void {
    this.#toServer.nextStall = { bytes, timeMs };
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
        incoming.close();
      },
    };
  }
}

/** Returns the end of a wire that a process holds: once killed, the process sends nothing more. */
export function endOfProcess(end: WireEnd, process: { readonly isKilled: boolean }): WireEnd {
  const assertAlive = () => {
    if (process.isKilled) throw new Deno.errors.BrokenPipe("the process was killed");
  };
  return {
    read: (bytes) => end.read(bytes),
    write: async (bytes) => {
      assertAlive();
      return await end.write(bytes);
    },
    closeWrite: async () => {
      assertAlive();
      await end.closeWrite();
    },
    // The wires of a killed process are broken with it.
    close: () => {
      if (!process.isKilled) end.close();
    },
  };
}
