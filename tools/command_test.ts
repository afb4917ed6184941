import { assertEquals, assertThrows } from "@std/assert";
import { integerFlag, UsageError } from "./command.ts";

Deno.test("integerFlag() reads an integer within its range, or returns the default", () => {
  const rule = { min: 1, max: 9, default: 5 };
  assertEquals(integerFlag("n", "7", rule), 7);
  assertEquals(integerFlag("n", undefined, rule), 5);
  for (const text of ["", "0", "10", "1.5", "-1", "x"]) {
    assertThrows(() => integerFlag("n", text, rule), UsageError, `--n is "${text}"`);
  }
});
