import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseSubnet, type Subnet } from "./lottery_settings.ts";
import { overlapFault, overlaps, parseRoutes } from "./subnets.ts";

const SUBNET = parseSubnet("172.25.125.0/24") as Subnet;

Deno.test("overlaps() finds subnets that have addresses in common", () => {
  const cases: [string, string, boolean][] = [
    ["172.25.125.0/24", "172.25.125.0/24", true],
    ["172.25.125.0/24", "172.16.0.0/12", true],
    ["172.16.0.0/12", "172.31.255.0/24", true],
    ["172.25.125.0/24", "172.25.125.128/25", true],
    ["172.25.125.0/24", "172.25.125.7/32", true],
    ["172.25.125.0/24", "172.25.124.0/24", false],
    ["172.25.125.0/24", "172.25.126.0/24", false],
    ["255.255.255.0/24", "128.0.0.0/1", true],
    ["172.25.125.0/24", "fd00::/64", false],
    ["172.25.125.0/24", "", false],
  ];
  for (const [one, other, expected] of cases) {
    assertEquals(overlaps(one, other), expected, `${one} ${other}`);
    assertEquals(overlaps(other, one), expected, `${other} ${one}`);
  }
});

Deno.test("overlapFault() names the other network, both settings, and subnets that are free", () => {
  const used = [
    { text: "172.25.0.0/16", user: "Docker's network lottery", device: "br-0", isOwn: true },
    { text: "10.0.0.0/8", user: "Docker's network far", device: "br-1", isOwn: false },
    { text: "172.25.125.0/25", user: "Docker's network other", device: "br-2", isOwn: false },
    { text: "172.25.126.0/23", user: "Docker's network near", device: "br-3", isOwn: false },
  ];
  const fault = overlapFault(SUBNET, used);
  assertEquals(
    fault,
    "172.25.125.0/24 overlaps 172.25.125.0/25 of Docker's network other: set DOCKET_SUBNET in .env " +
      "to a free subnet, such as 172.26.0.0/24, and UDP_BROADCAST_IP in server/config.ini to its " +
      "last address, such as 172.26.0.255",
  );
  assertEquals(overlapFault(SUBNET, used.slice(0, 2)), undefined);
});

Deno.test("overlapFault() suggests no subnet where none is free", () => {
  const other = { text: "172.16.0.0/12", user: "Docker's network other", device: "br-1" };
  const fault = overlapFault(SUBNET, [{ ...other, isOwn: false }]) ?? "";
  assertStringIncludes(fault, "to a free subnet, and UDP_BROADCAST_IP in server/config.ini to its");
});

Deno.test("parseRoutes() reads the kernel's table without the default route", () => {
  const table =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
    "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
    "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
    "tun0\t007D19AC\t0100000A\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
    "tun0\t0500000A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n";
  assertEquals(parseRoutes(table).map(({ text, device }) => `${text} ${device}`), [
    "172.17.0.0/16 eth0",
    "172.25.125.0/24 tun0",
    "10.0.0.5/32 tun0",
  ]);
  assertEquals(parseRoutes(""), []);
});
