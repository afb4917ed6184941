import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "./command.ts";
import { TARGETS, targetsOf } from "./compile.ts";

Deno.test("targetsOf() accepts host, all and the names of targets, and returns each target once", () => {
  assertEquals(targetsOf(["host"]), [Deno.build.target]);
  assertEquals(targetsOf(["all"]), [...TARGETS]);
  assertEquals(targetsOf(["x86_64-apple-darwin", "aarch64-apple-darwin", "x86_64-apple-darwin"]), [
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
  ]);
});

Deno.test("targetsOf() rejects a target that Deno does not compile for", () => {
  assertThrows(() => targetsOf(["linux"]), UsageError, `"linux"`);
});
