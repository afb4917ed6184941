/**
 * The content of a file as processes have written it, and what a power cut may leave of it.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";

/** An unsynced change, which a power cut may undo. */
type Change =
  | { kind: "write"; bytes: Uint8Array; position: number }
  | { kind: "truncate"; size: number };

/** The content of a file: what is durable, and the changes since. */
export class WrittenContent {
  /** As processes see it. */
  bytes: Uint8Array;
  #durable: Uint8Array;
  #changes: Change[] = [];

  constructor(durable: Uint8Array) {
    this.#durable = durable;
    this.bytes = durable.slice();
  }

  /** Replaces everything, durably. */
  replaceContent(bytes: Uint8Array): void {
    this.#durable = bytes;
    this.#changes = [];
    this.bytes = bytes.slice();
  }

  change(change: Change): void {
    this.bytes = applied(this.bytes, change);
    this.#changes.push(change);
  }

  sync(): void {
    for (const change of this.#changes) this.#durable = applied(this.#durable, change);
    this.#changes = [];
  }

  /** Loses the unsynced changes, as a failing sync does on Linux: they count as synced, but are not. */
  forgetChanges(): void {
    this.#changes = [];
  }

  /** Returns the contents that a power cut may leave, each once. */
  contentsAfterPowerCut(): Uint8Array[] {
    const states = [this.#durable];
    let content = this.#durable;
    for (const change of this.#changes) {
      for (const part of partsOf(change)) states.push(applied(content, part));
      for (const part of zerosOf(change, content)) states.push(applied(content, part));
      content = applied(content, change);
      states.push(content);
    }
    const known = new Set<string>();
    return states.filter((state) => {
      const key = String(state);
      return !known.has(key) && known.add(key);
    });
  }
}

/** Returns beginnings of a write: cut near its ends, in its middle, and around each line end. */
function partsOf(change: Change): Change[] {
  if (change.kind === "truncate") return [];
  const { bytes, position } = change;
  const lengths = new Set([1, bytes.length >> 1, bytes.length - 1]);
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === LINE_FEED) lengths.add(at).add(at + 1);
  }
  return [...lengths].filter((length) => length > 0 && length < bytes.length)
    .map((length) => ({ kind: "write", bytes: bytes.subarray(0, length), position }));
}

/** Returns writes whose size is durable, but whose last bytes, or all, read as zeros. */
function zerosOf(change: Change, { length }: Uint8Array): Change[] {
  if (change.kind === "truncate" || change.position + change.bytes.length <= length) return [];
  const { bytes, position } = change;
  const old = Math.max(0, length - position);
  return [old, (old + bytes.length) >> 1].map((count) => {
    const zeroed = new Uint8Array(bytes.length);
    zeroed.set(bytes.subarray(0, count));
    return { kind: "write", bytes: zeroed, position };
  });
}

function applied(content: Uint8Array, change: Change): Uint8Array {
  const size = change.kind === "truncate"
    ? change.size
    : Math.max(content.length, change.position + change.bytes.length);
  const result = new Uint8Array(size);
  result.set(content.subarray(0, size));
  if (change.kind === "write") result.set(change.bytes, change.position);
  return result;
}
