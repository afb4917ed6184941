import { assertEquals } from "@std/assert";
import { parseSubnet } from "./subnet.ts";

Deno.test("parseSubnet() finds the broadcast address and the room for hosts", () => {
  assertEquals(parseSubnet("172.25.125.0/24"), {
    text: "172.25.125.0/24",
    broadcast: "172.25.125.255",
    hostsMax: 253,
  });
  assertEquals(parseSubnet("10.0.0.64/28"), {
    text: "10.0.0.64/28",
    broadcast: "10.0.0.79",
    hostsMax: 13,
  });
  assertEquals(parseSubnet("172.16.0.0/12"), {
    text: "172.16.0.0/12",
    broadcast: "172.31.255.255",
    hostsMax: 2 ** 20 - 3,
  });
});

Deno.test("parseSubnet() refuses what is no subnet, and an address within one", () => {
  for (
    const text of [
      "",
      "172.25.125.0",
      "172.25.125.0/",
      "172.25.125/24",
      "1.2.3.0/24/8",
      "1.2.3.0/31",
    ]
  ) {
    assertEquals("fault" in parseSubnet(text), true, text);
  }
  assertEquals(parseSubnet("172.25.125.7/24"), {
    fault: "its first address is 172.25.125.0: give that one",
  });
});
