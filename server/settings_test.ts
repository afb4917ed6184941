import { assertEquals, assertThrows } from "@std/assert";
import { SettingsError } from "../shared/config.ts";
import { readServerSettings } from "./settings.ts";
import { needs } from "../testing/needs.ts";

const SEED = `SERVER_PORT = 12345
SERVER_LISTEN_BACKLOG = 128
UDP_BROADCAST_IP = 172.25.125.255
UDP_BROADCAST_PORT = 5000
AGENCIES_AMOUNT = 5
LOGGING_LEVEL = INFO
`;

/** Reads settings from an INI text and an environment. */
function read(ini: string, variables: Record<string, string> = {}) {
  return readServerSettings({
    environment: (name) => Object.hasOwn(variables, name) ? variables[name] : undefined,
    readFile: () => ini,
  });
}

function faultsOf(ini: string, variables: Record<string, string> = {}): readonly string[] {
  return assertThrows(() => read(ini, variables), SettingsError).faults;
}

const EXPECTED = {
  port: 12345,
  listenBacklog: 128,
  broadcastIp: "172.25.125.255",
  broadcastPort: 5000,
  agencies: 5,
  logLevel: "INFO",
  logFormat: "text" as const,
  listenIp: "0.0.0.0",
  reusePort: false,
  connectionsMax: 512,
  connectionsPerAddressMax: 128,
  connectionsPerAgencyMax: undefined,
  betsPerSecondMax: undefined,
  trustedProxies: [],
  waitingMax: 1024,
  agenciesPerConnectionMax: 100,
  packetBytesMax: 65_536,
  idleMs: 60_000,
  crowdedIdleMs: 5_000,
  drawPollMs: 1000,
  statusPort: undefined,
  statusIp: "127.0.0.1",
  tls: undefined,
  statusTls: undefined,
  agencyKeys: undefined,
  winningNumber: 7574,
  ledger: { engine: "files" as const },
  audit: undefined,
};

Deno.test("readServerSettings() reads the exercise's file, with or without a section", () => {
  for (const ini of [SEED, `[DEFAULT]\n${SEED}`, `; a comment\n${SEED}# another\n`]) {
    const { sharedVolume, ...settings } = read(ini);
    assertEquals(settings, EXPECTED);
    assertEquals(sharedVolume, `${import.meta.dirname}/shared-volume`);
  }
});

Deno.test({
  ...needs(["read"], "readServerSettings() accepts the config.ini beside it"),
  fn: () => {
    const { sharedVolume: _, ...settings } = readServerSettings({ environment: () => undefined });
    assertEquals(settings, EXPECTED);
  },
});

Deno.test("readServerSettings() prefers the environment to the file", () => {
  const settings = read(SEED, {
    SERVER_PORT: "0",
    SERVER_LISTEN_BACKLOG: "1",
    UDP_BROADCAST_IP: "127.255.255.255",
    UDP_BROADCAST_PORT: "0",
    AGENCIES_AMOUNT: "9999",
    LOGGING_LEVEL: "NOTSET",
    LOG_FORMAT: "json",
    SERVER_LISTEN_IP: "127.0.0.1",
    SERVER_REUSE_PORT: "true",
    SERVER_MAX_CONNECTIONS: "1",
    SERVER_MAX_CONNECTIONS_PER_ADDRESS: "4",
    SERVER_TRUSTED_PROXIES: "10.0.0.7",
    SERVER_MAX_WAITING: "2",
    SERVER_MAX_AGENCIES_PER_CONNECTION: "8",
    SERVER_MAX_PACKET_BYTES: "1000",
    SERVER_IDLE_SECONDS: "5",
    SERVER_CROWDED_IDLE_SECONDS: "3",
    DRAW_POLL_SECONDS: "7",
    STATUS_PORT: "0",
    STATUS_IP: "0.0.0.0",
    SERVER_TLS_CERT: "/tls/cert.pem",
    SERVER_TLS_KEY: "/tls/key.pem",
    STATUS_TLS_CERT: "/tls/status.pem",
    STATUS_TLS_KEY: "/tls/status.key",
    AGENCY_KEYS: "/keys/agency.keys",
    LOTTERY_WINNER_NUMBER: "0",
    SHARED_VOLUME: "/shared-volume",
    SERVER_MAX_CONNECTIONS_PER_AGENCY: "9",
    SERVER_MAX_BETS_PER_SECOND: "5000",
    AUDIT_LOG: "/audit",
    AUDIT_NAME: "server1",
    AUDIT_FILE_BYTES: "4096",
    AUDIT_FILES: "2",
  });
  assertEquals(settings, {
    port: 0,
    listenBacklog: 1,
    broadcastIp: "127.255.255.255",
    broadcastPort: 0,
    agencies: 9999,
    logLevel: "NOTSET",
    logFormat: "json",
    listenIp: "127.0.0.1",
    reusePort: true,
    connectionsMax: 1,
    connectionsPerAddressMax: 4,
    connectionsPerAgencyMax: 9,
    betsPerSecondMax: 5000,
    trustedProxies: [{ first: 0x0a000007, last: 0x0a000007 }],
    waitingMax: 2,
    agenciesPerConnectionMax: 8,
    packetBytesMax: 1000,
    idleMs: 5000,
    crowdedIdleMs: 3000,
    drawPollMs: 7000,
    statusPort: 0,
    statusIp: "0.0.0.0",
    tls: { certFile: "/tls/cert.pem", keyFile: "/tls/key.pem" },
    statusTls: { certFile: "/tls/status.pem", keyFile: "/tls/status.key" },
    agencyKeys: "/keys/agency.keys",
    winningNumber: 0,
    sharedVolume: "/shared-volume",
    ledger: { engine: "files" },
    audit: { folder: "/audit", name: "server1", fileBytesMax: 4096, filesMax: 2 },
  });
});

Deno.test("readServerSettings() gives an address a quarter of the connections by default, at least one", () => {
  for (const [all, share] of [["1", 1], ["3", 1], ["7", 1], ["8", 2], ["512", 128]] as const) {
    const settings = read(SEED, { SERVER_MAX_CONNECTIONS: all });
    assertEquals(settings.connectionsPerAddressMax, share, all);
  }
});

Deno.test("readServerSettings() reads trusted proxies, and refuses what is neither address nor network", () => {
  const { trustedProxies } = read(SEED, { SERVER_TRUSTED_PROXIES: "10.0.0.7,10.1.0.0/16" });
  assertEquals(trustedProxies.length, 2);
  assertEquals(faultsOf(SEED, { SERVER_TRUSTED_PROXIES: "proxy" }), [
    'SERVER_TRUSTED_PROXIES is "proxy": give IPv4 addresses or networks such as 10.0.0.7, 192.168.0.0/16',
  ]);
});

Deno.test("readServerSettings() has no audit log without a folder, and refuses a name that is a path", () => {
  assertEquals(read(SEED, { AUDIT_NAME: "server1" }).audit, undefined);
  const audit = { folder: "/a", name: undefined, fileBytesMax: 16 * 1024 * 1024, filesMax: 64 };
  assertEquals(read(SEED, { AUDIT_LOG: "/a" }).audit, audit);
  for (const name of ["../server2", ".", "a b", "a".repeat(65)]) {
    const [fault] = faultsOf(SEED, { AUDIT_LOG: "/a", AUDIT_NAME: name });
    assertEquals(
      fault,
      `AUDIT_NAME is ${
        JSON.stringify(name)
      }: give AUDIT_NAME up to 64 letters, digits, dots, hyphens and ` +
        "underscores",
    );
  }
});

Deno.test("readServerSettings() treats an empty variable as unset", () => {
  assertEquals(read(SEED, { SERVER_PORT: "", SERVER_LISTEN_IP: "" }).port, 12345);
});

Deno.test("readServerSettings() reads the file that SERVER_CONFIG names", () => {
  const paths: string[] = [];
  readServerSettings({
    environment: (name) => name === "SERVER_CONFIG" ? "/etc/lottery.ini" : undefined,
    readFile: (path) => {
      paths.push(path);
      return SEED;
    },
  });
  assertEquals(paths, ["/etc/lottery.ini"]);
});

Deno.test("readServerSettings() needs no file if the environment sets everything", () => {
  const variables = Object.fromEntries(SEED.trim().split("\n").map((line) => line.split(" = ")));
  const { sharedVolume: _, ...settings } = readServerSettings({
    environment: (name) => variables[name],
    readFile: () => {
      throw new Deno.errors.NotFound();
    },
  });
  assertEquals(settings, EXPECTED);
});

Deno.test("readServerSettings() lists all faults in one error", () => {
  const faults = faultsOf(
    "SERVER_PORT = 70000\nUDP_BROADCAST_IP = 1.2.3\nAGENCIES_AMOUNT = five\n" +
      "LOGGING_LEVEL = info\nSERVER_PROT = 1\nSERVER_LISTEN_BACKLOG = 0\n",
    { LOTTERY_WINNER_NUMBER: "10000", SERVER_REUSE_PORT: "yes", SERVER_MAX_PACKET_BYTES: "10" },
  );
  for (
    const [index, name] of [
      "SERVER_PORT",
      "SERVER_LISTEN_BACKLOG",
      "UDP_BROADCAST_IP",
      "UDP_BROADCAST_PORT",
      "AGENCIES_AMOUNT",
      "LOGGING_LEVEL",
      "SERVER_REUSE_PORT",
      "SERVER_MAX_PACKET_BYTES",
      "LOTTERY_WINNER_NUMBER",
      "SERVER_PROT",
    ].entries()
  ) assertEquals(faults[index]?.split(" ")[0], name);
  assertEquals(faults.length, 10);
  assertEquals(faults[9].endsWith("is not a setting: did you mean SERVER_PORT?"), true);
});

Deno.test("readServerSettings() reports a file that cannot be read or parsed", () => {
  const [unreadable] = assertThrows(
    () =>
      readServerSettings({
        environment: () => undefined,
        readFile: () => {
          throw new Deno.errors.PermissionDenied("not yours");
        },
      }),
    SettingsError,
  ).faults;
  assertEquals(unreadable.endsWith("config.ini cannot be read: not yours"), true);
  assertEquals(
    faultsOf(`${SEED}[DEFAULT\n`)[0].includes("config.ini is not a valid INI file"),
    true,
  );
  assertEquals(faultsOf(`${SEED}[OTHER]\nA = 1\n`), [
    `OTHER in ${import.meta.dirname}/config.ini is not a setting: remove it`,
  ]);
});

Deno.test("readServerSettings() wants a certificate and its key, or neither", () => {
  const given = { SERVER_TLS_CERT: "cert.pem", STATUS_TLS_KEY: "key.pem" };
  assertEquals(faultsOf(SEED, given), [
    "SERVER_TLS_CERT is given without SERVER_TLS_KEY: give both, or none",
    "STATUS_TLS_KEY is given without STATUS_TLS_CERT: give both, or none",
  ]);
});

Deno.test("readServerSettings() wants TLS where agencies have keys", () => {
  assertEquals(faultsOf(SEED, { AGENCY_KEYS: "agency.keys" }), [
    "AGENCY_KEYS is given without TLS: set SERVER_TLS_CERT and SERVER_TLS_KEY, too",
  ]);
});
