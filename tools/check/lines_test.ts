import { assertEquals, assertThrows } from "@std/assert";
import { scanLines, TruncatedError } from "./lines.ts";

const encoder = new TextEncoder();

/** Returns a function that reads from `bytes`, at most `countMax` at once. */
function reader(bytes: Uint8Array, countMax = Infinity) {
  return (into: Uint8Array, position: number) => {
    const count = Math.min(into.length, countMax, bytes.length - position);
    into.set(bytes.subarray(position, position + count));
    return count;
  };
}

function scan(text: string, { chunkBytes = 8, countMax = Infinity, to = -1 } = {}) {
  const bytes = encoder.encode(text);
  const lines: { text: string; number: number; offset: number; length: number }[] = [];
  const { lines: count, end, rest } = scanLines({
    read: reader(bytes, countMax),
    to: to < 0 ? bytes.length : to,
    lineBytesMax: 6,
    chunkBytes,
    onLine: ({ bytes, from, to, number, offset, length }) =>
      lines.push({
        text: new TextDecoder().decode(bytes.subarray(from, to)),
        number,
        offset,
        length,
      }),
  });
  return { lines, count, end, rest: new TextDecoder().decode(rest) };
}

Deno.test("scanLines() finds lines, their places and the rest, however few bytes a read returns", () => {
  const long = "x".repeat(40);
  const text = `ab\n\n12345\n${long}\nc\n123456\nlast\nrest`;
  const whole = text.split("\n");
  let offset = 0;
  const expected = whole.slice(0, -1).map((line, index) => {
    const found = {
      text: line.slice(0, line.length > 5 ? 6 : 5),
      number: index + 1,
      offset,
      length: line.length + 1,
    };
    offset += found.length;
    return found;
  });
  for (const chunkBytes of [1, 7, 8, 9, 16, 64, 1024]) {
    for (const countMax of [1, 3, Infinity]) {
      assertEquals(scan(text, { chunkBytes, countMax }), {
        lines: expected,
        count: 7,
        end: offset,
        rest: "rest",
      });
    }
  }
});

Deno.test("scanLines() returns only the beginning of a rest over the limit", () => {
  const { end, rest } = scan(`a\n${"y".repeat(100)}`);
  assertEquals([end, rest], [2, "yyyyyy"]);
});

Deno.test("scanLines() stops at `to`", () => {
  const { count, rest } = scan("a\nb\nc\nd\n", { to: 5 });
  assertEquals([count, rest], [2, "c"]);
});

Deno.test("scanLines() throws if the file ends before `to`", () => {
  assertThrows(() => scan("a\nb\n", { to: 9 }), TruncatedError);
});
