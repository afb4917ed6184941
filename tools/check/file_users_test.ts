import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { lockOwner, ownerOf } from "./file_users.ts";

const LOCKS = `1: FLOCK  ADVISORY  WRITE 0 fe:00:77 0 EOF
2: POSIX  ADVISORY  READ 19318 fe:00:2163105 128 128
3: -> FLOCK  ADVISORY  WRITE 400 fe:00:2163105 0 EOF
4: FLOCK  ADVISORY  WRITE 32397 fe:00:2163105 0 EOF
4: -> FLOCK  ADVISORY  READ 401 fe:00:2163105 0 EOF
5: FLOCK  ADVISORY  READ 500 00:1a:9 0 EOF
`;

Deno.test("ownerOf() finds the holder of a lock, not a waiter", { permissions: "none" }, () => {
  assertEquals(ownerOf({ ino: 2163105 }, LOCKS), 32397);
  assertEquals(ownerOf({ ino: 9 }, LOCKS), 500);
});

Deno.test("ownerOf() finds nothing if there is no holder, or one in another container", {
  permissions: "none",
}, () => {
  for (const ino of [1, 77, 216310, null]) assertEquals(ownerOf({ ino }, LOCKS), undefined);
  assertEquals(ownerOf({ ino: 9 }, ""), undefined);
});

Deno.test({
  ...needs(["write"], "lockOwner() names the process and its command"),
  fn: async () => {
    await using folder = await tempFolder();
    using file = Deno.openSync(`${folder.path}/file`, { write: true, create: true });
    assertEquals(lockOwner(`${folder.path}/file`), undefined);
    file.lockSync(true);
    if (Deno.build.os !== "linux") return;
    assertStringIncludes(lockOwner(`${folder.path}/file`)!, `process ${Deno.pid} (`);
  },
});
