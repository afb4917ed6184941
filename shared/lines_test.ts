import { assertEquals } from "@std/assert";
import { linesOf } from "./lines.ts";

Deno.test("linesOf() joins lines, and characters, that chunks cut in two", async () => {
  const bytes = new TextEncoder().encode("ñandú\r\nsecond\n\nlast");
  const stream = ReadableStream.from([...bytes].map((byte) => Uint8Array.of(byte)));
  assertEquals(await Array.fromAsync(linesOf(stream)), ["ñandú", "second", "", "last"]);
});
