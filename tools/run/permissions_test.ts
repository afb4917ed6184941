import { assertEquals } from "@std/assert";
import { clientPermissions, healthPermissions, serverFlags } from "./permissions.ts";

const NETWORK = {
  listenIp: "127.0.0.1",
  port: 12345,
  broadcastIp: "127.255.255.255",
  broadcastPort: 5000,
};

/** Returns the values of a flag, which a comma separates. */
function valuesOf(flag: string, args: string[]): string[] {
  const values = args.filter((arg) => arg.startsWith(`${flag}=`))
    .map((arg) => arg.slice(flag.length + 1));
  return values.flatMap((value) => value.split(","));
}

Deno.test("serverFlags() allows a server its addresses, its settings and its volume alone", () => {
  const flags = serverFlags({
    config: "/a/config.ini",
    sharedVolume: "/v",
    network: NETWORK,
  });
  assertEquals(valuesOf("--allow-net", flags), [
    "127.0.0.1:12345",
    "0.0.0.0:5000",
    "127.255.255.255:5000",
    "unix:/v/.writer.sock",
  ]);
  assertEquals(valuesOf("--allow-read", flags), ["/a/config.ini", "/v"]);
  assertEquals(valuesOf("--allow-write", flags), ["/v"]);
  assertEquals(flags.filter((flag) => !flag.includes("=")), ["--no-prompt"]);
  const health = healthPermissions({ config: "/a/config.ini", network: NETWORK });
  assertEquals(valuesOf("--allow-net", health), ["127.0.0.1:12345"]);
  assertEquals(valuesOf("--allow-read", health), ["/a/config.ini"]);
});

Deno.test("serverFlags() allows a server on JetStream its nodes and keys, and no file but its audit log to write", () => {
  const resources = {
    config: "/a/config.ini",
    sharedVolume: "/v",
    nodes: { addresses: ["a:4222", "b:4222"], files: ["/ca.pem"], modules: ["/app/shared"] },
    network: NETWORK,
  };
  const flags = serverFlags(resources);
  assertEquals(valuesOf("--allow-net", flags), ["127.0.0.1:12345", "a:4222", "b:4222"]);
  assertEquals(valuesOf("--allow-read", flags), ["/a/config.ini", "/ca.pem", "/app/shared"]);
  assertEquals(valuesOf("--allow-write", flags), []);
  const audited = serverFlags({ ...resources, auditLog: "/v/audit" });
  assertEquals(valuesOf("--allow-read", audited).at(-1), "/v/audit");
  assertEquals(valuesOf("--allow-write", audited), ["/v/audit"]);
});

Deno.test("serverFlags() allows every port of an address where any free port is asked for", () => {
  const network = { ...NETWORK, port: 0, broadcastPort: 0 };
  const flags = serverFlags({ config: "/c", sharedVolume: "/v", network });
  const addresses = ["127.0.0.1", "0.0.0.0", "127.255.255.255"];
  assertEquals(valuesOf("--allow-net", flags), [...addresses, "unix:/v/.writer.sock"]);
});

Deno.test("serverFlags() allows no socket on a volume with a comma in its path, which no flag can name", () => {
  const flags = serverFlags({ config: "/c", sharedVolume: "/a,b/v", network: NETWORK });
  assertEquals(valuesOf("--allow-net", flags).filter((value) => value.startsWith("unix:")), []);
});

Deno.test("serverFlags() allows a server with a status port that port, and the name of its host", () => {
  const network = { ...NETWORK, status: { ip: "127.0.0.1", port: 9100 } };
  const flags = serverFlags({ config: "/c", sharedVolume: "/v", network });
  assertEquals(valuesOf("--allow-net", flags).at(-1), "127.0.0.1:9100");
  assertEquals(flags.at(-1), "--allow-sys=hostname,statfs");
});

Deno.test("clientPermissions() allows the given addresses and files, or all if none are given", () => {
  const flags = clientPermissions({ net: ["127.0.0.1:1"], read: ["/c.yaml", "/bets"] });
  assertEquals(valuesOf("--allow-net", flags), ["127.0.0.1:1"]);
  assertEquals(valuesOf("--allow-read", flags), ["/c.yaml", "/bets"]);
  const all = clientPermissions().filter((flag) => !flag.includes("="));
  assertEquals(all, ["--no-prompt", "--allow-net", "--allow-read"]);
});

Deno.test("clientPermissions() allows the folder above a path with a comma", () => {
  const read = ["/plain", "/a/b,c/d/e,f/g", "/a,b", "/new\nline/x,y"];
  const flags = clientPermissions({ read });
  assertEquals(valuesOf("--allow-read", flags), ["/plain", "/a", "/", "/new\nline"]);
});
