/**
 * A growing buffer of bytes, and integers in ASCII.
 *
 * @module
 */

import { ZERO } from "./ascii.ts";

const encoder = new TextEncoder();

/** A buffer that grows as it is written to. {@linkcode ByteBuffer.view} reads it. */
export class ByteBuffer {
  /** The storage. Only the first `length` bytes count. It is replaced when the buffer grows. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Number of bytes written. May be set back to drop the last ones. */
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Appends `bytes`. */
  write(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Appends one byte. */
  writeByte(byte: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Appends `text` as UTF-8. */
  writeText(text: string): void {
    this.#reserve(3 * text.length);
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  /** Returns the bytes written so far, without a copy: valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.view());
    this.bytes = grown;
  }
}

/** Size of the blocks of an arena. A larger one takes longer to clear than it saves. */
const ARENA_BLOCK_BYTES = 64 * 1024;

/**
 * Copies bytes into blocks that many copies share: an allocation for each copy takes three times as long, and
 * gives the garbage collector as much more to do. A block lives as long as any copy in it.
 */
export class ByteArena {
  #block = new Uint8Array(0);
  #used = 0;

  /** Returns a copy of `bytes`. Nobody else writes to it. */
  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const from = this.#used;
    const to = from + bytes.length;
    if (to > this.#block.length) {
      // A large copy has a block of its own, so that it does not end one that has much room left.
      if (bytes.length > ARENA_BLOCK_BYTES / 4) return new Uint8Array(bytes);
      this.#block = new Uint8Array(ARENA_BLOCK_BYTES);
      this.#used = 0;
      return this.copy(bytes);
    }
    this.#block.set(bytes, from);
    this.#used = to;
    return this.#block.subarray(from, to);
  }
}

/**
 * Parses the ASCII digits from `from` to `to`, the latter excluded.
 *
 * @returns The integer, or -1 if there is no digit, any other byte, or the integer exceeds `max`.
 */
export function parseDigits(bytes: Uint8Array, from: number, to: number, max: number): number {
  if (from >= to) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return value;
}

/** Writes an integer from 0 up as ASCII digits, the last one just before `end`. */
export function putDigits(bytes: Uint8Array, end: number, integer: number): void {
  let rest = integer;
  let at = end;
  do {
    const tens = Math.floor(rest / 10);
    bytes[--at] = ZERO + (rest - 10 * tens);
    rest = tens;
  } while (rest > 0);
}

/** Returns whether `bytes` begins with `prefix`. */
export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) {
    if (bytes[at] !== prefix[at]) return false;
  }
  return true;
}

/** Returns whether two secrets are equal, in a time that depends only on their lengths. */
export function equalInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let index = 0; index < one.length; index++) difference |= one[index] ^ other[index];
  return difference === 0;
}
