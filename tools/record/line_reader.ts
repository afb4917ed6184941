/**
 * Reads the lines of a file one after the other, in bounded memory.
 *
 * @module
 */

import { LINE_FEED } from "../../shared/ascii.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * Yields the lines of a file, each with its line end. The last one may have none, and one that is longer than
 * 256 KiB is cut. A line is valid until the next one is asked for.
 */
export async function* readLines(path: string): AsyncGenerator<Uint8Array, void> {
  using file = await Deno.open(path);
  const chunk = new Uint8Array(CHUNK_BYTES);
  let kept = 0;
  for (let count; (count = file.readSync(chunk.subarray(kept))) !== null;) {
    const filled = chunk.subarray(0, kept + count);
    let from = 0;
    for (let end; (end = filled.indexOf(LINE_FEED, from) + 1) > 0; from = end) {
      yield filled.subarray(from, end);
    }
    if (from === 0 && filled.length === chunk.length) {
      yield filled;
      from = filled.length;
    }
    chunk.copyWithin(0, from, filled.length);
    kept = filled.length - from;
  }
  if (kept > 0) yield chunk.subarray(0, kept);
}
