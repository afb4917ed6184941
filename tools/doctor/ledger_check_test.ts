import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../command.ts";
import { monitoringAddresses } from "./ledger_check.ts";

Deno.test("monitoringAddresses() are those of LEDGER_MONITORING, else 8222 of the same hosts", () => {
  const nodes = ["one:4222", "10.0.0.2:5000"];
  assertEquals(monitoringAddresses(nodes, undefined), ["one:8222", "10.0.0.2:8222"]);
  assertEquals(monitoringAddresses(nodes, " "), ["one:8222", "10.0.0.2:8222"]);
  assertEquals(monitoringAddresses(nodes, "a:1, b"), ["a:1", "b:8222"]);
  for (const text of ["a,,b", "http://a", "a:0"]) {
    assertThrows(() => monitoringAddresses(nodes, text), UsageError, "LEDGER_MONITORING");
  }
});
