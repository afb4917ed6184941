import { assertEquals, assertThrows } from "@std/assert";
import { TARGETS, targetsOf } from "./compile.ts";

Deno.test("targetsOf() takes host, all and the names of targets, each once", () => {
  assertEquals(targetsOf(["host"]), [Deno.build.target]);
  assertEquals(targetsOf(["all"]), [...TARGETS]);
  assertEquals(targetsOf(["x86_64-apple-darwin", "aarch64-apple-darwin", "x86_64-apple-darwin"]), [
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
  ]);
});

Deno.test("targetsOf() refuses a target that Deno does not compile for", () => {
  assertThrows(() => targetsOf(["linux"]), RangeError, `"linux"`);
});
