import { assert, assertEquals, assertFalse, assertStrictEquals } from "@std/assert";
import { ByteArena, ByteBuffer, parseDigits, putDigits, startsWith } from "./bytes.ts";
import { forAll } from "../testing/random.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("ByteBuffer.view() returns what was written, in order", { permissions: "none" }, () => {
  const buffer = new ByteBuffer(2);
  buffer.writeText("Muñoz €😀");
  buffer.writeByte(0x2c);
  buffer.write(utf8("7574"));
  buffer.writeText("");
  assertEquals(textOf(buffer.view()), "Muñoz €😀,7574");
});

Deno.test("ByteBuffer grows from nothing", { permissions: "none" }, () => {
  const buffer = new ByteBuffer(0);
  for (let byte = 0; byte < 1000; byte++) buffer.writeByte(byte & 0xff);
  assertEquals(buffer.view(), Uint8Array.from({ length: 1000 }, (_, byte) => byte & 0xff));
});

Deno.test("ByteBuffer keeps its storage until it is full", { permissions: "none" }, () => {
  const buffer = new ByteBuffer(8);
  const before = buffer.bytes;
  buffer.write(utf8("12345678"));
  buffer.write(new Uint8Array());
  assertStrictEquals(buffer.bytes, before);
  buffer.writeByte(0x39);
  assert(buffer.bytes.length >= 9);
  assertEquals(textOf(buffer.view()), "123456789");
});

Deno.test("ByteBuffer.length drops the last bytes when set back", { permissions: "none" }, () => {
  const buffer = new ByteBuffer(4);
  buffer.writeText("kept");
  const { length } = buffer;
  buffer.writeText(" dropped");
  buffer.length = length;
  buffer.writeText("!");
  assertEquals(textOf(buffer.view()), "kept!");
});

Deno.test("ByteArena.copy() returns bytes that no later copy and no source changes", {
  permissions: "none",
}, () => {
  forAll({ cases: 20 }, (random) => {
    const arena = new ByteArena();
    const copies = Array.from({ length: 100 }, (_, index) => {
      const source = new Uint8Array(random.below(random.once(10) ? 100_000 : 9000)).fill(index);
      const copy = arena.copy(source);
      const { length } = source;
      source.fill(0xff);
      return { copy, length };
    });
    for (const [index, { copy, length }] of copies.entries()) {
      assertEquals(copy.length, length);
      assert(copy.every((byte) => byte === index));
    }
  });
});

Deno.test("ByteArena.copy() shares one block among small copies", { permissions: "none" }, () => {
  const arena = new ByteArena();
  const first = arena.copy(utf8("one"));
  arena.copy(new Uint8Array(1_000_000));
  assertStrictEquals(arena.copy(utf8("two")).buffer, first.buffer);
  assertEquals(textOf(first), "one");
});

Deno.test("ByteBuffer contains what an array would, however it is written", {
  permissions: "none",
}, () => {
  forAll({ cases: 500 }, (random) => {
    const buffer = new ByteBuffer(random.below(8));
    const expected: number[] = [];
    for (let write = random.below(40); write > 0; write--) {
      const bytes = Uint8Array.from({ length: random.below(30) }, () => random.below(128));
      if (random.once(3)) buffer.writeText(textOf(bytes));
      else if (random.once(2)) buffer.write(bytes);
      else bytes.forEach((byte) => buffer.writeByte(byte));
      expected.push(...bytes);
    }
    assertEquals(Array.from(buffer.view()), expected);
  });
});

Deno.test("parseDigits() returns the integer or -1", { permissions: "none" }, async (t) => {
  const table: { text: string; max: number; value: number }[] = [
    { text: "0", max: 9, value: 0 },
    { text: "9999", max: 9999, value: 9999 },
    { text: "0042", max: 9999, value: 42 },
    { text: "10000", max: 9999, value: -1 },
    { text: "6", max: 5, value: -1 },
    { text: "", max: 9, value: -1 },
    { text: "-1", max: 9, value: -1 },
    { text: "+1", max: 9, value: -1 },
    { text: " 1", max: 9, value: -1 },
    { text: "1 ", max: 9, value: -1 },
    { text: "1e3", max: 9999, value: -1 },
    { text: "1.0", max: 9, value: -1 },
    { text: "/", max: 9, value: -1 },
    { text: ":", max: 9, value: -1 },
    { text: "١", max: 9, value: -1 },
    { text: "18446744073709551617", max: 9, value: -1 },
    { text: "9".repeat(5000), max: Number.MAX_SAFE_INTEGER, value: -1 },
    { text: "0".repeat(5000), max: 9, value: 0 },
  ];
  for (const { text, max, value } of table) {
    await t.step(`${text.slice(0, 30)} up to ${max}`, () => {
      const bytes = utf8(`7${text}7`);
      assertEquals(parseDigits(bytes, 1, bytes.length - 1, max), value);
    });
  }
});

Deno.test("parseDigits() returns -1 for a reversed range", { permissions: "none" }, () => {
  assertEquals(parseDigits(utf8("123"), 2, 1, 9999), -1);
});

Deno.test("startsWith() compares every byte of the prefix", { permissions: "none" }, () => {
  assert(startsWith(utf8("StoreBet:1"), utf8("StoreBet:")));
  assert(startsWith(utf8("StoreBet:"), utf8("StoreBet:")));
  assert(startsWith(utf8("anything"), utf8("")));
  assertFalse(startsWith(utf8("StoreBet"), utf8("StoreBet:")));
  assertFalse(startsWith(utf8("StoreBat:"), utf8("StoreBet:")));
  assertFalse(startsWith(utf8("storeBet:"), utf8("StoreBet:")));
  assertFalse(startsWith(utf8(""), utf8("S")));
});

Deno.test("putDigits() writes an integer that ends before an index", {
  permissions: "none",
}, () => {
  for (
    const [integer, expected] of [[0, "....0"], [7, "....7"], [10, "...10"], [12345, "12345"]]
  ) {
    const bytes = new TextEncoder().encode(".....x");
    putDigits(bytes, 5, integer as number);
    assertEquals(new TextDecoder().decode(bytes), `${expected}x`);
  }
  const bytes = new Uint8Array(16);
  putDigits(bytes, 16, Number.MAX_SAFE_INTEGER);
  assertEquals(new TextDecoder().decode(bytes), String(Number.MAX_SAFE_INTEGER));
});
