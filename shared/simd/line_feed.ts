/**
 * Finds line feeds. `Uint8Array.prototype.indexOf` looks at one byte at a time, which took longer than
 * checking and translating the packet that it had found.
 *
 * @module
 */

import { LINE_FEED } from "../ascii.ts";
import { hasVectorInstructions, type Kernel, kernel } from "./kernel.ts";
import { I64, loop, returnValue, VECTOR_BYTES, when } from "./wasm.ts";

/** Bytes that are compared at a time. */
const BLOCK_BYTES = 4 * VECTOR_BYTES;
/** Bytes that are copied into the kernel's memory at a time. */
const INPUT_BYTES = 64 * 1024;
/** Fewer bytes than this are not worth the copy. */
const COPIED_BYTES_MIN = 128;

/**
 * The kernel. Its parameter is the address to begin at. It returns the address of the first line feed; there
 * must be one.
 */
const findLineFeed = kernel(1, ([at], locals) => {
  const found = locals.i64();
  const compare = (offset: number) => at.loadVector(offset).equals(LINE_FEED);
  const foundIn = (offset: number) => I64.extend(compare(offset).bitmask(), offset);
  return [
    loop((nextBlock) => [
      when(compare(0).or(compare(16)).or(compare(32).or(compare(48))).bitmask().isZero(), [
        at.increment(BLOCK_BYTES),
        nextBlock.branch(),
      ]),
    ]),
    found.set(foundIn(0).or(foundIn(16)).or(foundIn(32).or(foundIn(48)))),
    returnValue(at.add(found.trailingZeros())),
  ];
});

/** All searches share one memory: each is over before the next one begins. */
let searching: Kernel | undefined;

/**
 * Returns the index of the first line feed from `from` to `to`, the latter excluded; -1 if there is
 * none.
 */
export function indexOfLineFeed(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < COPIED_BYTES_MIN || !hasVectorInstructions()) {
    return bytes.subarray(0, to).indexOf(LINE_FEED, from);
  }
  const search = searching ??= findLineFeed(INPUT_BYTES + BLOCK_BYTES);
  for (let at = from; at < to; at += INPUT_BYTES) {
    const length = Math.min(to - at, INPUT_BYTES);
    search.memory.set(bytes.subarray(at, at + length));
    search.memory[length] = LINE_FEED;
    const found = search.run(0);
    if (found < length) return at + found;
  }
  return -1;
}
