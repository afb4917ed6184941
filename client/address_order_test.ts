import { assertEquals } from "@std/assert";
import { AddressOrder } from "./address_order.ts";

const ALL = ["a", "b", "c"];

Deno.test("AddressOrder.sort() puts the address that worked last first", () => {
  const order = new AddressOrder();
  assertEquals(order.sort(ALL), ALL);
  order.worked("b");
  assertEquals(order.sort(ALL), ["b", "a", "c"]);
  order.worked("c");
  assertEquals(order.sort(ALL), ["c", "a", "b"]);
});

Deno.test("AddressOrder.sort() puts addresses that failed more often later", () => {
  const order = new AddressOrder();
  order.worked("a");
  order.failed("a");
  assertEquals(order.sort(ALL), ["b", "c", "a"]);
  order.failed("b");
  order.failed("c");
  assertEquals(order.sort(ALL), ["a", "b", "c"], "one failure each");
  order.failed("a");
  assertEquals(order.sort(ALL), ["b", "c", "a"]);
  order.worked("a");
  assertEquals(order.sort(ALL), ["a", "b", "c"]);
});

Deno.test("AddressOrder.haveAllFailed() returns false while an address was not tried, or works", () => {
  const order = new AddressOrder();
  for (const address of ALL) {
    assertEquals(order.haveAllFailed(ALL), false);
    order.failed(address);
  }
  assertEquals(order.haveAllFailed(ALL), true);
  assertEquals(order.haveAllFailed([...ALL, "d"]), false);
  order.worked("b");
  assertEquals(order.haveAllFailed(ALL), false);
});
