/**
 * Framing: bytes in, lines out. A frame is the bytes before a `\n`, without a `\r` just before it.
 * Nothing here knows about sockets.
 *
 * @module
 */

import { CARRIAGE_RETURN } from "./ascii.ts";
import { indexOfLineFeed } from "./simd/line_feed.ts";

const CAPACITY_FIRST = 4096;

/** A line exceeds the limit. The stream cannot be read any further. */
export class FrameTooLongError extends Error {
  override name = "FrameTooLongError";
  /** The first bytes of the line, enough to recognize the type of the packet. */
  readonly head: Uint8Array;

  constructor(frameBytesMax: number, head: Uint8Array) {
    super(`Cannot read packet: it is longer than ${frameBytesMax} bytes, including its line end`);
    this.head = head;
  }
}

/**
 * Collects the bytes of a stream and returns its lines without copying them. Its memory never
 * exceeds the longest frame allowed.
 *
 * Read bytes into {@linkcode space}, report their number to {@linkcode filled}, {@linkcode take}
 * frames until there is none, and read again.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FrameBuffer } from "./framing.ts";
 *
 * const frames = new FrameBuffer(8192);
 * const { written } = new TextEncoder().encodeInto("AgencyClose:1\nWinners", frames.space());
 * frames.filled(written);
 *
 * assertEquals(new TextDecoder().decode(frames.take()), "AgencyClose:1");
 * assertEquals(frames.take(), undefined);
 * assertEquals(frames.pending, "Winners".length);
 * ```
 */
export class FrameBuffer {
  readonly #frameBytesMax: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** Where the next frame begins. */
  #start = 0;
  /**
   * How far the search for a line feed has come: each byte is searched once, however slowly they
   * arrive.
   */
  #scanned = 0;
  /** Where the next bytes go. */
  #end = 0;

  /** @param frameBytesMax Longest frame, in bytes, including its line feed. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
    this.#bytes = new Uint8Array(Math.min(CAPACITY_FIRST, frameBytesMax));
  }

  /** Number of bytes without a line feed yet. At the end of a stream they are a torn frame. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Returns where to put the next bytes; never empty. Frames taken before become invalid. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#start === this.#end) this.#start = this.#scanned = this.#end = 0;
    if (this.#end === this.#bytes.length) this.#makeRoom();
    return this.#bytes.subarray(this.#end);
  }

  /** Records that `count` bytes were put into {@linkcode space}. */
  filled(count: number): void {
    this.#end += count;
  }

  /**
   * Takes the next frame, without its line end.
   *
   * @returns The frame, valid until {@linkcode space} is called; `undefined` if none is complete.
   * @throws {FrameTooLongError} If the next frame exceeds the limit, complete or not.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const start = this.#start;
    const lineEnd = this.#lineEnd();
    const length = (lineEnd < 0 ? this.#end : lineEnd + 1) - start;
    // A line that fills the limit without its line feed is already too long.
    if (length > this.#frameBytesMax || (lineEnd < 0 && length === this.#frameBytesMax)) {
      throw new FrameTooLongError(this.#frameBytesMax, this.#bytes.slice(start, start + 64));
    }
    if (lineEnd < 0) return undefined;
    this.#start = this.#scanned = lineEnd + 1;
    const hasReturn = lineEnd > start && this.#bytes[lineEnd - 1] === CARRIAGE_RETURN;
    return this.#bytes.subarray(start, hasReturn ? lineEnd - 1 : lineEnd);
  }

  #lineEnd(): number {
    const at = indexOfLineFeed(this.#bytes, this.#scanned, this.#end);
    if (at < 0) this.#scanned = this.#end;
    return at;
  }

  #makeRoom(): void {
    const pending = this.#bytes.subarray(this.#start, this.#end);
    if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const capacity = Math.min(2 * this.#bytes.length, this.#frameBytesMax);
      const grown = new Uint8Array(capacity);
      grown.set(pending);
      this.#bytes = grown;
    }
    this.#scanned -= this.#start;
    this.#end = pending.length;
    this.#start = 0;
  }
}
