import { assert, assertEquals } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { diskSpace } from "./disk_space.ts";

Deno.test(needs(["read", "sys"], "diskSpace() returns the room of a folder's file system"), () => {
  const space = diskSpace(import.meta.dirname!);
  assert(space !== undefined && space.freeBytes > 0 && space.freeBytes <= space.bytes);
  assertEquals(diskSpace("/nowhere/nothing"), undefined);
});

Deno.test({
  name: "diskSpace() returns nothing without the permission",
  permissions: "none",
  fn: () => assertEquals(diskSpace("/"), undefined),
});
