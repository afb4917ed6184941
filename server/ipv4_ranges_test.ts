import { assertEquals } from "@std/assert";
import { isWithin, parseIpv4Ranges } from "./ipv4_ranges.ts";

Deno.test("parseIpv4Ranges() reads addresses and networks", () => {
  const ranges = parseIpv4Ranges("10.0.0.7, 192.168.5.9/16,172.16.0.0/12 ,255.255.255.255/32")!;
  const within = ["10.0.0.7", "192.168.0.0", "192.168.255.255", "172.31.0.1", "255.255.255.255"];
  const outside = ["10.0.0.6", "10.0.0.8", "192.167.255.255", "192.169.0.0", "172.32.0.0"];
  assertEquals(within.filter((address) => !isWithin(ranges, address)), []);
  assertEquals(outside.filter((address) => isWithin(ranges, address)), []);
  assertEquals(isWithin(ranges, "::ffff:10.0.0.7"), false);
});

Deno.test("parseIpv4Ranges() reads no address, and all", () => {
  assertEquals(parseIpv4Ranges(" "), []);
  assertEquals(isWithin([], "10.0.0.7"), false);
  for (const address of ["0.0.0.0", "127.0.0.1", "255.255.255.255"]) {
    assertEquals(isWithin(parseIpv4Ranges("0.0.0.0/0")!, address), true);
  }
});

Deno.test("parseIpv4Ranges() refuses what is neither", () => {
  for (
    const list of ["proxy", "10.0.0", "10.0.0.256", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", ","]
  ) {
    assertEquals(parseIpv4Ranges(list), undefined, list);
  }
});
