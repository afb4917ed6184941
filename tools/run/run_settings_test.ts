import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SettingsError } from "../../shared/config.ts";
import { assertOwnSecrets, loweredLogLevels, readRunSettings } from "./run_settings.ts";

const FILES: Record<string, string> = {
  ".env":
    "CLIENTS=5\nSERVERS=8\nSERVER_NAME=server\nSERVER_PORT=12345\nDOCKET_SUBNET=172.25.125.0/24\n",
  "server/config.ini": "[DEFAULT]\nSERVER_PORT = 12345\nSERVER_LISTEN_BACKLOG = 128\n" +
    "UDP_BROADCAST_IP = 172.25.125.255\nUDP_BROADCAST_PORT = 5000\nAGENCIES_AMOUNT = 5\nLOGGING_LEVEL = INFO\n",
  "client/config.yaml": "server:\n  address: server:12345\nbatch_size: 100\nlog:\n  level: info\n",
};

function read(files: Record<string, string>, environment: Record<string, string> = {}) {
  return readRunSettings({
    root: "/project",
    environment: (name) => environment[name],
    readFile: (path) => ({ ...FILES, ...files })[path.replace("/project/", "")],
  });
}

function faultsOf(files: Record<string, string>): readonly string[] {
  return assertThrows(() => read(files), SettingsError).faults;
}

Deno.test("readRunSettings() returns settings that agree", () => {
  const { lottery, server, client } = read({});
  assertEquals(lottery.clients, server.agencies);
  assertEquals([client.host, client.port, client.logLevel], ["server", 12345, "info"]);
});

Deno.test("readRunSettings() names every disagreement and how to correct it", () => {
  const faults = faultsOf({
    ".env": FILES[".env"].replace("=5", "=3").replace("12345", "12346").replace("125.0", "126.0"),
  });
  assertEquals(faults.length, 4);
  assertStringIncludes(faults[0], "AGENCIES_AMOUNT is 5 in server/config.ini, and CLIENTS is 3");
  assertStringIncludes(faults[1], "SERVER_PORT is 12345 in server/config.ini and 12346 in .env");
  assertStringIncludes(faults[2], "write UDP_BROADCAST_IP = 172.25.126.255");
  assertStringIncludes(faults[3], "server.address is server:12345");
  assertStringIncludes(faults[3], "server:12346");
});

Deno.test("readRunSettings() says when a setting comes from the environment", () => {
  const { faults } = assertThrows(() => read({}, { CLIENTS: "3" }), SettingsError);
  assertEquals(faults.length, 1);
  assertStringIncludes(faults[0], "CLIENTS is 3 in the environment");
});

Deno.test("readRunSettings() names the faults of all files in one error", () => {
  const faults = faultsOf({
    ".env": "CLIENTS=5\n",
    "server/config.ini": "[DEFAULT]\nSERVER_PORT = x\n",
    "client/config.yaml": "server: {address: nowhere}\nlog: {level: loud}\n",
  });
  for (
    const name of ["SERVERS", "DOCKET_SUBNET", "AGENCIES_AMOUNT", "server.address", "log.level"]
  ) {
    assertEquals(faults.some((fault) => fault.startsWith(name)), true, name);
  }
});

Deno.test("readRunSettings() ignores settings of the servers that up does not pass on", () => {
  const { server } = read({}, { AGENCIES_AMOUNT: "9", LOTTERY_WINNER_NUMBER: "7" });
  assertEquals([server.agencies, server.winningNumber], [5, 7]);
});

Deno.test("loweredLogLevels() lowers a log level that hides what up must read", () => {
  const yaml = FILES["client/config.yaml"].replace("level: info", "level: fatal");
  assertEquals(loweredLogLevels(read({})), {});
  assertEquals(loweredLogLevels(read({ "client/config.yaml": yaml })), { CLI_LOG_LEVEL: "info" });
  assertEquals(loweredLogLevels(read({}, { LOGGING_LEVEL: "ERROR" })), { LOGGING_LEVEL: "INFO" });
});

Deno.test("assertOwnSecrets() refuses TLS and keys that are set up by hand", () => {
  assertOwnSecrets(read({}));
  const files = {
    "server/config.ini": FILES["server/config.ini"] + "SERVER_TLS_CERT = c\nSERVER_TLS_KEY = k\n",
    "client/config.yaml": FILES["client/config.yaml"].replace("batch", "  tls: true\nbatch"),
  };
  const { faults } = assertThrows(() => assertOwnSecrets(read(files)), SettingsError);
  assertEquals(faults.map((fault) => fault.split(" ")[0]), [
    "server/config.ini",
    "client/config.yaml",
  ]);
  for (const fault of faults) assertStringIncludes(fault, "run `up --secure`");
});
