/**
 * Single packets to a server and its answers, for what is no load.
 *
 * @module
 */

import { FrameBuffer } from "../shared/framing.ts";

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** A connection to a server on this machine. */
export class Conversation implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #frames = new FrameBuffer(ANSWER_BYTES_MAX);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async begin(port: number): Promise<Conversation> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new Conversation(connection);
  }

  /** Sends packets; they must be few. */
  async tell(...packets: string[]): Promise<void> {
    const bytes = new TextEncoder().encode(packets.map((packet) => `${packet}\n`).join(""));
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Waits for an answer. */
  async hear(): Promise<string> {
    for (;;) {
      const frame = this.#frames.take();
      if (frame !== undefined) return new TextDecoder().decode(frame);
      const count = await this.#connection.read(this.#frames.space());
      if (count === null) throw new Error("Cannot measure: a server closed the connection");
      this.#frames.filled(count);
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** How many documents a WinnersResponse has. */
export function countWinners(answer: string): number {
  const documents = answer.slice("WinnersResponse:".length);
  return documents === "" ? 0 : documents.split(";").length;
}
