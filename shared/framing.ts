/**
 * Framing: bytes in, lines out. A frame is what stands before a `\n`; a `\r` before it is dropped.
 * Nothing here sees a socket.
 *
 * @module
 */

import { CARRIAGE_RETURN, LINE_FEED } from "./ascii.ts";

const CAPACITY_FIRST = 4096;

/** A line is longer than the limit. What came of it is in `head`; the stream cannot be read on. */
export class FrameTooLongError extends Error {
  override name = "FrameTooLongError";
  /** The first bytes of the line, enough to tell which packet it was to be. */
  readonly head: Uint8Array;

  constructor(frameBytesMax: number, head: Uint8Array) {
    super(`Cannot read packet: it is longer than ${frameBytesMax} bytes, its line end included`);
    this.head = head;
  }
}

/**
 * Collects the bytes of a stream and hands out its lines, without copying them. Its memory never
 * exceeds the longest frame allowed.
 *
 * Use: {@linkcode take} frames until there is none, read more bytes into {@linkcode space}, say how
 * many with {@linkcode filled}, and take again.
 */
export class FrameBuffer {
  readonly #frameBytesMax: number;
  #bytes: Uint8Array<ArrayBuffer>;
  /** Where the next frame begins. */
  #start = 0;
  /** Up to where no line end was found: bytes are looked at once, however slowly they come. */
  #scanned = 0;
  /** Where the next bytes go. */
  #end = 0;

  /** @param frameBytesMax Longest frame, in bytes, its line end included. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
    this.#bytes = new Uint8Array(Math.min(CAPACITY_FIRST, frameBytesMax));
  }

  /** How many bytes wait without a line end. At the end of a stream, they are a torn frame. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Where to put the next bytes: never empty. Frames taken before are no longer valid. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#start === this.#end) this.#start = this.#scanned = this.#end = 0;
    if (this.#end === this.#bytes.length) this.#makeRoom();
    return this.#bytes.subarray(this.#end);
  }

  /** Says that `count` bytes were put into {@linkcode space}. */
  filled(count: number): void {
    this.#end += count;
  }

  /**
   * Takes the next frame, without its line end.
   *
   * @returns The frame, valid until {@linkcode space} is called; nothing if none is complete.
   * @throws {FrameTooLongError} If the next frame is over the limit, complete or not.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const start = this.#start;
    const lineEnd = this.#lineEnd();
    const length = (lineEnd < 0 ? this.#end : lineEnd + 1) - start;
    // A line that fills the limit without its end is too long already: only the end is missing.
    if (length > this.#frameBytesMax || (lineEnd < 0 && length === this.#frameBytesMax)) {
      throw new FrameTooLongError(this.#frameBytesMax, this.#bytes.slice(start, start + 64));
    }
    if (lineEnd < 0) return undefined;
    this.#start = this.#scanned = lineEnd + 1;
    const hasReturn = lineEnd > start && this.#bytes[lineEnd - 1] === CARRIAGE_RETURN;
    return this.#bytes.subarray(start, hasReturn ? lineEnd - 1 : lineEnd);
  }

  #lineEnd(): number {
    const at = this.#bytes.subarray(0, this.#end).indexOf(LINE_FEED, this.#scanned);
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
