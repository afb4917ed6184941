/**
 * The content of a file as processes have written it, and what a power cut may leave of it.
 *
 * @module
 */

import { crc32 } from "node:zlib";
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
    const isInPlace = change.kind === "write" &&
      change.position + change.bytes.length <= this.bytes.length;
    if (isInPlace) this.bytes.set(change.bytes, change.position);
    else this.bytes = applied(this.bytes, change);
    this.#changes.push(change);
  }

  sync(): void {
    if (this.#changes.length === 0) return;
    this.#durable = this.#changes.reduce(applied, this.#durable);
    this.#changes = [];
  }

  /** Loses the unsynced changes, as a failing sync does on Linux: they count as synced, but are not. */
  forgetChanges(): void {
    this.#changes = [];
  }

  /**
   * Returns the contents that a power cut may leave, each once, the durable one first and the newest last: any
   * beginning of the changes, with a part of the next one; a single change; all but one.
   */
  contentsAfterPowerCut(): Uint8Array[] {
    const changes = this.#changes;
    const states = [this.#durable];
    let content = this.#durable;
    for (const [index, change] of changes.entries()) {
      const isDetailed = index >= changes.length - DETAILED_CHANGES;
      if (isDetailed) {
        for (const part of partsOf(change, content)) states.push(applied(content, part));
      }
      content = applied(content, change);
      states.push(content);
    }
    for (const change of changes.slice(-DETAILED_CHANGES)) {
      states.push(applied(this.#durable, change));
      states.push(changes.filter((other) => other !== change).reduce(applied, this.#durable));
    }
    states.push(this.bytes);
    const last = new Map(states.map((state) => [keyOf(state), state]));
    return [...last.values()];
  }
}

/** How many of the last changes may be left in part, or be missing. */
const DETAILED_CHANGES = 4;
const PAGE_BYTES = 4096;

function keyOf(state: Uint8Array): string {
  return `${state.length} ${crc32(state)}`;
}

/** Returns what a power cut may leave of a change. */
function partsOf(change: Change, content: Uint8Array): Change[] {
  if (change.kind === "truncate") return [];
  return [...beginningsOf(change), ...pagesOf(change), ...zerosOf(change, content)];
}

type Write = Extract<Change, { kind: "write" }>;

/** Returns beginnings of a write: cut near its ends, in its middle, and around a few line ends. */
function beginningsOf({ bytes, position }: Write): Change[] {
  const lengths = new Set([1, bytes.length >> 1, bytes.length - 1]);
  for (let at = 0, ends = 0; at < bytes.length && ends < 4; at++) {
    if (bytes[at] !== LINE_FEED) continue;
    lengths.add(at).add(at + 1);
    ends++;
  }
  return [...lengths].filter((length) => length > 0 && length < bytes.length)
    .map((length) => ({ kind: "write", bytes: bytes.subarray(0, length), position }));
}

/** Returns the pages of a write, each alone. */
function pagesOf({ bytes, position }: Write): Change[] {
  const pages: Change[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + PAGE_BYTES - (position + at) % PAGE_BYTES);
    pages.push({ kind: "write", bytes: bytes.subarray(at, end), position: position + at });
    at = end;
  }
  return pages.length > 1 ? pages : [];
}

/** Returns writes whose size is durable, but whose last bytes, or all, read as zeros. */
function zerosOf({ bytes, position }: Write, { length }: Uint8Array): Change[] {
  if (position + bytes.length <= length) return [];
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
