import { assertEquals } from "@std/assert";
import { fileResource, needs } from "./needs.ts";

Deno.test("needs() leaves a test as it is when nothing is missing", () => {
  assertEquals(needs([], "does something"), { name: "does something", ignore: false });
  const present = { description: "nothing", isPresent: () => true };
  assertEquals(needs([present], "does something"), { name: "does something", ignore: false });
});

Deno.test("needs() ignores a test whose resource is missing, and says so in its name", () => {
  const absent = fileResource("/nowhere/nothing", "a file that nobody has");
  assertEquals(needs([absent], "does something"), {
    name: "does something (needs a file that nobody has)",
    ignore: true,
  });
});

Deno.test({
  name: "needs() names every missing permission before it looks for resources",
  permissions: "none",
  fn() {
    const resource = { description: "a resource", isPresent: () => false };
    assertEquals(needs([resource, "write", "run"], "does something"), {
      name: "does something (needs --allow-write --allow-run)",
      ignore: true,
    });
  },
});
