/**
 * A connection to a server that sends and receives lines. It shares no code with client and server, so that it
 * cannot repeat their mistakes.
 *
 * @module
 */

import type { Address } from "./ports.ts";

/** Longest wait for an answer, unless the caller says otherwise. */
const TIMEOUT_MS = 60_000;
const READ_BYTES = 16 * 1024;

/** A connection that is closed when an answer takes too long. */
export class LineConnection implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #received = "";
  #isClosed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects. */
  static async open(address: Address): Promise<LineConnection> {
    const connection = await Deno.connect(address);
    connection.setNoDelay(true);
    return new LineConnection(connection);
  }

  /** Sends packets, which end with their newline. */
  async send(packets: Uint8Array | string): Promise<void> {
    const bytes = typeof packets === "string" ? new TextEncoder().encode(packets) : packets;
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /**
   * Waits for a line. Returns it without its newline.
   *
   * @throws {Error} If the connection ends before, or `timeoutMs` pass.
   */
  async line(timeoutMs: number = TIMEOUT_MS): Promise<string> {
    const timer = setTimeout(() => this.close(), timeoutMs);
    try {
      for (;;) {
        const end = this.#received.indexOf("\n");
        if (end >= 0) return this.#take(end);
        await this.#receive();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a packet and waits for its answer. */
  async ask(packet: Uint8Array | string, timeoutMs?: number): Promise<string> {
    await this.send(packet);
    return await this.line(timeoutMs);
  }

  /** Closes the connection, unless it is closed already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(end: number): string {
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 1);
    return line;
  }

  async #receive(): Promise<void> {
    const bytes = new Uint8Array(READ_BYTES);
    const count = await this.#connection.read(bytes);
    if (this.#isClosed) throw new Error("the connection was closed before the answer");
    if (count === null) throw new Error("the connection ended before the answer");
    this.#received += this.#decoder.decode(bytes.subarray(0, count), { stream: true });
  }
}
