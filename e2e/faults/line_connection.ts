/**
 * A connection of the harness to a server: lines out, lines in, with a deadline for each answer. It shares
 * no code with client and server, so that a mistake of theirs is not made here as well.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";

/** Where a server, or a proxy, listens. */
export interface Address {
  hostname: string;
  port: number;
}

/** A connection that gives up when an answer does not come in time. */
export class LineConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  #received: Uint8Array = new Uint8Array();
  #isClosed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects, or throws. */
  static async open(address: Address): Promise<LineConnection> {
    return new LineConnection(await Deno.connect(address));
  }

  /** Writes all of a packet. */
  async send(packet: Uint8Array | string): Promise<void> {
    const bytes = typeof packet === "string" ? new TextEncoder().encode(packet) : packet;
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /**
   * Reads the next line, without its end.
   *
   * @throws {Error} If the connection ends before it, or it does not come within `deadlineMs`.
   */
  async line(deadlineMs: number): Promise<string> {
    const timer = setTimeout(() => this.close(), deadlineMs);
    try {
      for (;;) {
        const end = this.#received.indexOf(LINE_FEED);
        if (end >= 0) return this.#take(end);
        await this.#receive();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a packet and reads its answer. */
  async ask(packet: Uint8Array | string, deadlineMs: number): Promise<string> {
    await this.send(packet);
    return await this.line(deadlineMs);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(end: number): string {
    const line = new TextDecoder().decode(this.#received.subarray(0, end));
    this.#received = this.#received.subarray(end + 1);
    return line;
  }

  async #receive(): Promise<void> {
    const chunk = new Uint8Array(16 * 1024);
    const count = await this.#connection.read(chunk);
    if (this.#isClosed) throw new Error("the connection was closed before the answer");
    if (count === null) throw new Error("the connection ended before the answer");
    const joined = new Uint8Array(this.#received.length + count);
    joined.set(this.#received);
    joined.set(chunk.subarray(0, count), this.#received.length);
    this.#received = joined;
  }
}
