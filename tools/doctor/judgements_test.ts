import { assertEquals, assertStringIncludes } from "@std/assert";
import { SettingsError } from "../../shared/config.ts";
import { parseSubnet, type Subnet } from "../run/lottery_settings.ts";
import { canReach, type Interface } from "./broadcast_check.ts";
import { judgeFailedAppend, judgeSpace, quantile } from "./disk_check.ts";
import { type Finding, formatFinding, runCheck } from "./finding.ts";
import { judgeDeno, judgeOpenFiles, judgeSettingsError, judgeSubnet } from "./host_check.ts";

Deno.test("judgeOpenFiles() compares the limit with all connections", () => {
  const settings = { connectionsMax: 512, waitingMax: 1024, listenBacklog: 128 };
  const levels = ["unlimited", "2656", "2655", "608", "607", "what"].map((limit) =>
    judgeOpenFiles(limit, settings).level
  );
  assertEquals(levels, ["ok", "ok", "warning", "warning", "fault", "warning"]);
  assertStringIncludes(judgeOpenFiles("256", settings).text, "ulimit -n 2656");
});

Deno.test("judgeSpace() finds a disk that is nearly out of bytes or files", () => {
  const freeFiles = Infinity;
  const levels = [
    { freeBytes: 80e9, freeFiles },
    { freeBytes: 80e9, freeFiles: 1000 },
    { freeBytes: 100e6, freeFiles },
    { freeBytes: 1e6, freeFiles },
    { freeBytes: 80e9, freeFiles: 0 },
  ].map((space) => judgeSpace(space).level);
  assertEquals(levels, ["ok", "ok", "warning", "fault", "fault"]);
});

Deno.test("judgeDeno() requires 2.7 or later", () => {
  const versions = ["2.7.0", "2.10.1", "3.0.0", "2.9.6+abc", "2.6.9", "1.46.3"];
  const levels = versions.map((version) => judgeDeno(version).level);
  assertEquals(levels, ["ok", "ok", "ok", "ok", "fault", "fault"]);
});

Deno.test("judgeSettingsError() returns all faults, which fit in one line", () => {
  const faults = ["A is 1: give 2", "B\n  is missing"];
  const finding = judgeSettingsError(new SettingsError("the lottery", faults));
  assertEquals(finding.level, "fault");
  const line = formatFinding("settings", finding);
  assertStringIncludes(line, "A is 1: give 2; B is missing");
  assertEquals(line.includes("\n"), false);
});

Deno.test("canReach() accepts the broadcast addresses of this host's subnets", () => {
  const docker: Interface = { family: "IPv4", address: "172.25.125.1", netmask: "255.255.255.0" };
  const loopback: Interface = { family: "IPv4", address: "127.0.0.1", netmask: "255.0.0.0" };
  const six: Interface = { family: "IPv6", address: "fe80::1", netmask: "ffff:ffff::" };
  assertEquals(canReach("172.25.125.255", [six, loopback, docker]), true);
  assertEquals(canReach("172.25.125.255", [six, loopback]), false);
  assertEquals(canReach("172.25.255.255", [docker]), false);
  assertEquals(canReach("127.255.255.255", [loopback]), true);
  assertEquals(canReach("255.255.255.255", []), true);
});

Deno.test("quantile() returns the value that a share of all values does not exceed", () => {
  const values = Array.from({ length: 50 }, (_, index) => 50 - index);
  assertEquals([0, 0.5, 0.99, 1].map((share) => quantile(values, share)), [1, 25, 50, 50]);
});

Deno.test("judgeFailedAppend() advises on a full and on a failing disk", () => {
  const full = judgeFailedAppend("No space left on device (os error 28)");
  assertEquals(full.level, "fault");
  assertStringIncludes(full.text, "make room");
  const failing = judgeFailedAppend("Input/output error (os error 5)");
  assertEquals(failing.level, "fault");
  assertStringIncludes(failing.text, "check the disk before you use it");
});

Deno.test("runCheck() returns a fault if the check throws", async () => {
  const finding = await runCheck(() => Promise.reject(new Error("Input/output error")));
  assertEquals<Finding>(finding, {
    level: "fault",
    text: "could not be checked: Input/output error",
  });
});

Deno.test("judgeSubnet() finds networks and routes that overlap, and not the containers' own", () => {
  const subnet = parseSubnet("172.25.125.0/24") as Subnet;
  const own = {
    text: subnet.text,
    user: "Docker's network lottery",
    device: "br-own",
    isOwn: true,
  };
  const other = {
    ...own,
    text: "172.25.0.0/16",
    user: "Docker's network other",
    device: "br-other",
  };
  const routes = [own, other].map(({ text, device }) => ({ text, device, user: "the route" }));
  const tunnel = { text: "172.16.0.0/12", device: "tun0", user: "the route through tun0" };
  assertEquals(judgeSubnet(subnet, { networks: [own], routes: routes.slice(0, 1) }).level, "ok");
  const networks = [own, { ...other, isOwn: false }];
  const fault = judgeSubnet(subnet, { networks, routes });
  assertEquals(fault.level, "fault");
  assertStringIncludes(
    fault.text,
    "172.25.125.0/24 overlaps 172.25.0.0/16 of Docker's network other",
  );
  const warning = judgeSubnet(subnet, { networks: [own], routes: [...routes.slice(0, 1), tunnel] });
  assertEquals(warning.level, "warning");
  for (
    const words of ["172.16.0.0/12 of the route through tun0", "DOCKET_SUBNET", "UDP_BROADCAST_IP"]
  ) {
    assertStringIncludes(warning.text, words);
  }
});
