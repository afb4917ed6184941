/**
 * Bytes as this protocol needs them: a buffer that grows, and integers in ASCII.
 *
 * @module
 */

import { ZERO } from "./ascii.ts";

const encoder = new TextEncoder();

/** A buffer that grows as it is written to. Read it through {@linkcode ByteBuffer.view}. */
export class ByteBuffer {
  /** The storage; only the first `length` bytes count. It changes when the buffer grows. */
  bytes: Uint8Array<ArrayBuffer>;
  /** How many bytes have been written. May be set back, to drop what was written last. */
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.view());
    this.bytes = grown;
  }

  /** Appends `bytes`. */
  write(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Appends one byte. */
  writeByte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  /** Appends `text` in UTF-8. */
  writeText(text: string): void {
    this.reserve(3 * text.length);
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  /** What has been written, not copied: good until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }
}

/**
 * Reads the integer that ASCII digits from `from` up to `to` write.
 *
 * @returns The integer, or -1 if there is none, another byte among them, or more than `max`.
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

/** Writes an integer from 0 on in ASCII, its last digit before `end`; what stands before it stays. */
export function putDigits(bytes: Uint8Array, end: number, integer: number): void {
  let rest = integer;
  let at = end;
  do {
    const tens = Math.floor(rest / 10);
    bytes[--at] = ZERO + (rest - 10 * tens);
    rest = tens;
  } while (rest > 0);
}

/** Whether `bytes` begins with `prefix`. */
export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) {
    if (bytes[at] !== prefix[at]) return false;
  }
  return true;
}
