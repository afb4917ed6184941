import { assertEquals } from "@std/assert";
import { forAll } from "../../testing/random.ts";
import { LINE_FEED } from "../ascii.ts";
import { indexOfLineFeed } from "./line_feed.ts";

/** What the search must return. */
function plainIndex(bytes: Uint8Array, from: number, to: number): number {
  const index = Array.from(bytes.subarray(from, to)).indexOf(LINE_FEED);
  return index < 0 ? -1 : from + index;
}

Deno.test("indexOfLineFeed() finds a line feed at every position", { permissions: "none" }, () => {
  const bytes = new Uint8Array(400);
  for (let at = 0; at < bytes.length; at++) {
    bytes.fill(0x2e).fill(LINE_FEED, at);
    assertEquals(indexOfLineFeed(bytes, 0, bytes.length), at);
    assertEquals(indexOfLineFeed(bytes, 0, at), -1);
  }
});

Deno.test("indexOfLineFeed() searches inputs of any length", { permissions: "none" }, () => {
  const bytes = new Uint8Array(200_000);
  for (const at of [65_535, 65_536, 65_537, 131_071, 131_072, 199_999]) {
    bytes.fill(0).fill(LINE_FEED, at, at + 1);
    for (const from of [0, 1, at - 300, at]) {
      assertEquals(indexOfLineFeed(bytes, from, bytes.length), at);
      assertEquals(indexOfLineFeed(bytes, from, at), -1);
    }
  }
});

Deno.test("indexOfLineFeed() returns what indexOf() does", { permissions: "none" }, () => {
  forAll({ cases: 2000 }, (random) => {
    const rare = 1 + random.below(400);
    const byte = () => random.once(rare) ? LINE_FEED : random.below(256);
    const bytes = Uint8Array.from({ length: random.below(2000) }, byte);
    const to = random.below(bytes.length + 1);
    const from = random.below(to + 1);
    assertEquals(indexOfLineFeed(bytes, from, to), plainIndex(bytes, from, to));
  });
});
