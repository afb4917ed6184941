/**
 * A connection between two servers of a volume that carries frames.
 *
 * @module
 */

import { ByteBuffer } from "../../../../shared/bytes.ts";
import { burstEnd } from "../../courtesy.ts";
import { type Frame, FrameReader, type Outcome, writeOutcome } from "./frames.ts";

/** The part of a connection that a channel uses. */
export interface HandoverConnection {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** How servers of a volume reach the one that writes. */
export interface HandoverNetwork {
  /** Begins to accept connections. Only one server of the volume does at a time. */
  listen(): HandoverListener;
  /** Connects to the server that listens. */
  connect(): Promise<HandoverConnection>;
}

/** Accepts connections until it is closed. */
export interface HandoverListener extends AsyncIterable<HandoverConnection> {
  /** Whether others reach it still. */
  isReachable(): boolean;
  /** Ends the iteration. Others may listen once that has ended. */
  close(): void;
}

/** Sends and receives frames. */
export class Channel {
  readonly #connection: HandoverConnection;
  /** Frames that wait to be sent. Whoever puts one there calls {@linkcode flush}. */
  #out = new ByteBuffer();
  /** Those that are being sent. */
  #sent = new ByteBuffer();
  #isSending = false;
  #isClosed = false;

  constructor(connection: HandoverConnection) {
    this.#connection = connection;
  }

  get out(): ByteBuffer {
    return this.#out;
  }

  /** Sends a frame that is not a batch. */
  send(outcome: Outcome): void {
    writeOutcome(this.#out, outcome);
    this.flush();
  }

  /** Sends what is in {@linkcode out}, together with what is put there in the same moment. */
  flush(): void {
    if (this.#isSending || this.#isClosed) return;
    this.#isSending = true;
    void this.#send();
  }

  async #send(): Promise<void> {
    try {
      await burstEnd();
      while (this.#out.length > 0) {
        [this.#out, this.#sent] = [this.#sent, this.#out];
        const bytes = this.#sent.view();
        for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
        this.#sent.length = 0;
      }
    } catch {
      // The reader finds out too.
      this.close();
    } finally {
      this.#isSending = false;
    }
  }

  /**
   * Receives frames until the connection ends, however it does.
   *
   * @param listener Gets the frames that have arrived together.
   */
  async receive(listener: (frames: Frame[]) => void): Promise<void> {
    const reader = new FrameReader();
    try {
      for (;;) {
        const count = await this.#connection.read(reader.space());
        if (count === null) return;
        reader.filled(count);
        listener(reader.frames());
      }
    } catch {
      // A peer that was killed, or one that is no server of ours.
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }
}
