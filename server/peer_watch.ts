/**
 * Watches whether a peer is still there while it waits for an answer.
 *
 * @module
 */

import type { FrameBuffer } from "../shared/mod.ts";

/** Pause after the first probe. Each further pause is twice as long. */
const PROBE_PAUSE_MS = 10;

/** The part of a connection that a watch uses. */
interface Peer {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

/** Options of {@linkcode PeerWatch}. */
export interface PeerWatchOptions {
  /** Takes what the peer sends meanwhile. */
  frames: FrameBuffer;
  /** Most bytes that wait in `frames`. */
  pendingBytesMax: number;
  /** The first bytes of every answer for which the peer waits. */
  answerHead: Uint8Array;
  /** Called once the peer turns out to be gone. */
  onGone: () => void;
}

/**
 * Reads from a peer while it waits, because a peer that is gone shows only in what can be read from it: a reset,
 * or the end of the stream.
 *
 * The end of the stream does not distinguish a peer that is gone from one that has only closed its sending half
 * and waits for the answer. Then, and when there is no more room for what it sends, the watch probes the peer: it
 * sends the answer's head byte by byte. A peer that is gone replies to the first byte with a reset, after which
 * the second one cannot be sent.
 */
export class PeerWatch {
  readonly #peer: Peer;
  readonly #options: PeerWatchOptions;
  /** The read in progress, or the one that met the end of the stream. */
  #read: Promise<number | null> | undefined;
  #isOn = false;
  #isReading = false;
  #sentBytes = 0;
  #probe: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(peer: Peer, options: PeerWatchOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  /**
   * Reads from the peer. Only this method does, because a watch may have begun a read into the frames.
   *
   * @param bytes Where the bytes go unless a read has begun. @default {frames.space()}
   */
  read(bytes?: Uint8Array): Promise<number | null> {
    const read = this.#read ?? this.#peer.read(bytes ?? this.#options.frames.space());
    this.#read = undefined;
    return read;
  }

  /** Starts to watch. The peer must not be read or written to until {@linkcode stop}. */
  start(): void {
    this.#isOn = true;
    if (!this.#isReading) void this.#readOn();
  }

  /**
   * Stops watching. Resolves when nothing is being sent, which may take as long as the peer does not read.
   *
   * @returns How many bytes of the answer's head have been sent.
   */
  async stop(): Promise<number> {
    this.#isOn = false;
    await this.#probe;
    clearTimeout(this.#timer);
    this.#probe = undefined;
    const sentBytes = this.#sentBytes;
    this.#sentBytes = 0;
    return sentBytes;
  }

  async #readOn(): Promise<void> {
    const { frames, pendingBytesMax, onGone } = this.#options;
    this.#isReading = true;
    try {
      while (this.#isOn) {
        if (frames.pending >= pendingBytesMax) return this.#sendProbe();
        const read = this.#read ??= this.#peer.read(frames.space());
        const count = await read;
        // The watch was stopped, and read() has handed the bytes on.
        if (this.#read !== read) return;
        if (count === null) return this.#sendProbe();
        this.#read = undefined;
        frames.filled(count);
      }
    } catch {
      onGone();
    } finally {
      this.#isReading = false;
    }
  }

  #sendProbe(pauseMs = PROBE_PAUSE_MS): void {
    const { answerHead, onGone } = this.#options;
    if (!this.#isOn || this.#sentBytes === answerHead.length) return;
    const byte = answerHead.subarray(this.#sentBytes, this.#sentBytes + 1);
    this.#probe = this.#peer.write(byte).then((count) => {
      this.#sentBytes += count;
      this.#timer = setTimeout(() => this.#sendProbe(2 * pauseMs), pauseMs);
    }, onGone);
  }
}
