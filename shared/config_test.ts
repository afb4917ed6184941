import { assert, assertEquals, assertFalse, assertStringIncludes, assertThrows } from "@std/assert";
import {
  isIpv4,
  nearest,
  parseAddress,
  SettingsError,
  SettingsReader,
  type SettingsSources,
} from "./config.ts";

function reader(
  environment: Record<string, string>,
  file: Record<string, string>,
  more: Partial<SettingsSources> = {},
): SettingsReader {
  return new SettingsReader({
    program: "server",
    environment: (name) => new Map(Object.entries(environment)).get(name),
    file,
    fileName: "server/config.ini",
    ...more,
  });
}

/** Returns the faults of the settings that `read` reads. */
function faultsOf(settings: SettingsReader, read: (settings: SettingsReader) => void): string[] {
  read(settings);
  return [...assertThrows(() => settings.finish(), SettingsError).faults];
}

Deno.test("SettingsReader prefers the environment to the file, and the file to the default", {
  permissions: "none",
}, () => {
  const settings = reader({ A: "environment", E: "1" }, { A: "file", B: "file", E: "2", F: "2" });
  assertEquals(settings.text("A", "default"), "environment");
  assertEquals(settings.text("B", "default"), "file");
  assertEquals(settings.text("C", "default"), "default");
  assertEquals(settings.integer("E", { min: 0, max: 9, default: 3 }), 1);
  assertEquals(settings.integer("F", { min: 0, max: 9, default: 3 }), 2);
  assertEquals(settings.integer("G", { min: 0, max: 9, default: 3 }), 3);
  settings.finish();
});

Deno.test("SettingsReader treats an empty setting as missing, wherever it is", {
  permissions: "none",
}, () => {
  const settings = reader({ A: "", B: "", C: " " }, { A: "file", B: "  ", C: " spaced " });
  assertEquals(settings.text("A"), "file");
  assertEquals(settings.text("B", "default"), "default");
  assertEquals(settings.text("C"), "spaced");
  settings.finish();
  const missing = faultsOf(reader({ D: " \t" }, { D: "" }), (settings) => {
    assertEquals(settings.text("D"), "");
  });
  assertEquals(missing, [
    "D is missing: set it in server/config.ini, or D in the environment",
  ]);
});

Deno.test("SettingsReader calls a missing file missing, and not its settings", {
  permissions: "none",
}, () => {
  const read = (settings: SettingsReader) => {
    for (const name of ["A", "B", "C"]) settings.text(name);
    settings.text("D", "default");
  };
  const missing = faultsOf(reader({ A: "1" }, {}, { isFileMissing: true }), read);
  assertEquals(missing, [
    "server/config.ini does not exist: restore it, or set B, C in the environment",
  ]);
  const settings = reader({ A: "1", B: "1", C: "1" }, {}, { isFileMissing: true });
  read(settings);
  settings.finish();
});

Deno.test("SettingsReader prefers flags to the environment, and names them", {
  permissions: "none",
}, () => {
  const flags: Record<string, string> = { A: "flag", B: " ", D: "x" };
  const flagOf = (variable: string) =>
    variable === "E" ? undefined : { name: `--${variable.toLowerCase()}`, value: flags[variable] };
  const settings = reader({ A: "environment", B: "environment", F: "y" }, {}, { flagOf });
  assertEquals([settings.text("A"), settings.text("B")], ["flag", "environment"]);
  const rule = { min: 0, max: 9 };
  assertEquals(
    faultsOf(settings, () => "CDEF".split("").map((name) => settings.integer(name, rule))),
    [
      "C is missing: set it in server/config.ini, C in the environment, or give --c",
      'D is "x" (--d): give an integer from 0 to 9',
      "E is missing: set it in server/config.ini, or E in the environment",
      'F is "y" (F in the environment): give an integer from 0 to 9',
    ],
  );
});

Deno.test("SettingsReader trims a setting", { permissions: "none" }, () => {
  const rule = { min: 1, max: 65535 };
  const settings = reader({ SERVER_PORT: "12345\r" }, { AGENCIES_AMOUNT: " 5 " });
  assertEquals(settings.integer("SERVER_PORT", rule), 12345);
  assertEquals(settings.integer("AGENCIES_AMOUNT", rule), 5);
  settings.finish();
});

Deno.test("SettingsReader maps names to those of the environment", {
  permissions: "none",
}, () => {
  const environmentName = (name: string) => `CLI_${name.toUpperCase().replaceAll(".", "_")}`;
  const settings = reader(
    { CLI_SERVER_ADDRESS: "server:1", "log.level": "fatal" },
    { "server.address": "server:2", "log.level": "info" },
    { environmentName },
  );
  assertEquals(settings.text("server.address"), "server:1");
  assertEquals(settings.text("log.level"), "info");
  settings.finish();

  const missing = faultsOf(
    reader({}, {}, { environmentName, fileName: "client/config.yaml" }),
    (settings) => settings.integer("batch_size", { min: 1, max: 9 }),
  );
  assertEquals(missing, [
    "batch_size is missing: set it in client/config.yaml, or CLI_BATCH_SIZE in the environment",
  ]);
});

Deno.test("SettingsReader ignores what every object inherits", {
  permissions: "none",
}, () => {
  const settings = reader({}, {});
  assertEquals(settings.text("toString", "default"), "default");
  assertEquals(settings.text("constructor", "default"), "default");
  settings.finish();
});

Deno.test("SettingsReader.integer() accepts only integers within its rule", {
  permissions: "none",
}, () => {
  const rule = { min: 1, max: 65535 };
  for (const [text, value] of Object.entries({ "1": 1, "65535": 65535, "0080": 80 })) {
    const settings = reader({ PORT: text }, {});
    assertEquals(settings.integer("PORT", rule), value);
    settings.finish();
  }
  const bad = ["0", "65536", "-1", "+1", "1.5", "1e3", "0x10", "1 2", "one", "1_000", "١"];
  bad.push("9".repeat(400));
  for (const text of bad) {
    const faults = faultsOf(reader({ PORT: text }, {}), (settings) => {
      assertEquals(settings.integer("PORT", rule), 1);
    });
    const quoted = JSON.stringify(text);
    assertEquals(faults, [
      `PORT is ${quoted} (PORT in the environment): give an integer from 1 to 65535`,
    ]);
  }
});

Deno.test("SettingsReader.flag() accepts only true and false", {
  permissions: "none",
}, () => {
  const settings = reader({ A: "true" }, { B: "false" });
  assertEquals([settings.flag("A", false), settings.flag("B", true)], [true, false]);
  assertEquals([settings.flag("C", false), settings.flag("D", true)], [false, true]);
  settings.finish();
  for (const text of ["yes", "1", "True", "TRUE"]) {
    assertEquals(faultsOf(reader({}, { A: text }), (settings) => settings.flag("A", false)), [
      `A is "${text}" (server/config.ini): give one of true, false`,
    ]);
  }
});

Deno.test("SettingsReader.oneOf() accepts only its choices and names them", {
  permissions: "none",
}, () => {
  const levels = ["DEBUG", "INFO"] as const;
  const settings = reader({ A: "INFO" }, {});
  assertEquals(settings.oneOf("A", levels), "INFO");
  assertEquals(settings.oneOf("B", levels, "DEBUG"), "DEBUG");
  settings.finish();
  const faults = faultsOf(reader({ A: "info" }, {}), (settings) => {
    settings.oneOf("A", levels);
    settings.oneOf("B", levels);
  });
  assertEquals(faults, [
    'A is "info" (A in the environment): give one of DEBUG, INFO',
    "B is missing: set it in server/config.ini, or B in the environment",
  ]);
});

Deno.test("SettingsReader.ipv4() accepts an address in dotted decimals", {
  permissions: "none",
}, () => {
  const settings = reader({ A: "172.25.125.255" }, {});
  assertEquals(settings.ipv4("A"), "172.25.125.255");
  assertEquals(settings.ipv4("B", "0.0.0.0"), "0.0.0.0");
  settings.finish();
  const faults = faultsOf(reader({ A: "172.25.125.256" }, {}), (settings) => {
    settings.ipv4("A");
    settings.ipv4("B");
  });
  assertEquals(faults, [
    'A is "172.25.125.256" (A in the environment): give an IPv4 address such as 172.25.125.255',
    "B is missing: set it in server/config.ini, or B in the environment",
  ]);
});

Deno.test("SettingsReader.finish() reports all faults in one error", {
  permissions: "none",
}, () => {
  const settings = reader({ LOGGING_LEVEL: "loud" }, {
    SERVER_PROT: "12345",
    UDP_BROADCAST_IP: "everywhere",
    color: "blue",
  });
  settings.integer("SERVER_PORT", { min: 0, max: 65535 });
  settings.oneOf("LOGGING_LEVEL", ["DEBUG", "INFO"]);
  settings.ipv4("UDP_BROADCAST_IP");
  settings.fault("two settings contradict each other");
  const error = assertThrows(() => settings.finish(), SettingsError);
  assertEquals(
    error.message,
    `Cannot start server: fix these settings:
  - SERVER_PORT is missing: set it in server/config.ini, or SERVER_PORT in the environment
  - LOGGING_LEVEL is "loud" (LOGGING_LEVEL in the environment): give one of DEBUG, INFO
  - UDP_BROADCAST_IP is "everywhere" (server/config.ini): give an IPv4 address such as 172.25.125.255
  - two settings contradict each other
  - SERVER_PROT in server/config.ini is not a setting: did you mean SERVER_PORT?
  - color in server/config.ini is not a setting: remove it`,
  );
  assertEquals(error.faults.length, 6);
});

Deno.test("SettingsReader.finish() accepts a file setting that the environment overrides", {
  permissions: "none",
}, () => {
  const settings = reader({ A: "1" }, { A: "ignored" });
  assertEquals(settings.integer("A", { min: 0, max: 9 }), 1);
  settings.finish();
});

Deno.test("SettingsReader.finish() shows what a reader cannot see in names and values", {
  permissions: "none",
}, () => {
  const settings = reader({}, { A: "7\u200b", "\ufeffB": "1" });
  settings.integer("A", { min: 0, max: 9 });
  const { faults, message } = assertThrows(() => settings.finish(), SettingsError);
  assertStringIncludes(faults[0], 'A is "7\\u200b"');
  assertStringIncludes(faults[1], "\\ufeffB in ");
  assertStringIncludes(message, "\n  - \\ufeffB in ");
});

Deno.test("nearest() returns what a misspelled name meant", { permissions: "none" }, () => {
  const names = ["SERVER_PORT", "SERVER_LISTEN_BACKLOG", "AGENCIES_AMOUNT", "LOGGING_LEVEL"];
  assertEquals(nearest("SERVER_PROT", names), "SERVER_PORT");
  assertEquals(nearest("server_port", names), "SERVER_PORT");
  assertEquals(nearest("AGENCY_AMOUNT", names), "AGENCIES_AMOUNT");
  assertEquals(nearest("SERVERPORT", names), "SERVER_PORT");
  assertEquals(nearest("color", names), undefined);
  assertEquals(nearest("", names), undefined);
  assertEquals(nearest("SERVER_PORT", []), undefined);
});

Deno.test("parseAddress() splits host and port", { permissions: "none" }, () => {
  assertEquals(parseAddress("server:12345"), { host: "server", port: 12345 });
  assertEquals(parseAddress("127.0.0.1:1"), { host: "127.0.0.1", port: 1 });
  assertEquals(parseAddress("lottery-2.example.org:65535"), {
    host: "lottery-2.example.org",
    port: 65535,
  });
  assertEquals(parseAddress("s:080"), { host: "s", port: 80 });
  const bad = ["", "server", "server:", ":12345", "server:0", "server:65536", "server:123456"];
  bad.push("server:port", "server:-1", "server: 1", " server:1", "server:1 ", "server:1\n");
  bad.push("a:b:1", "[::1]:1", "-server:1", "server-:1", ".server:1", "a b:1", "http://server:1");
  for (const text of bad) assertEquals(parseAddress(text), undefined, JSON.stringify(text));
});

Deno.test("parseAddress() rejects a host name that no resolver accepts", {
  permissions: "none",
}, () => {
  assertEquals(parseAddress("my_server:12345"), undefined);
});

Deno.test("isIpv4() accepts only dotted decimals", { permissions: "none" }, () => {
  for (const text of ["0.0.0.0", "127.0.0.1", "172.25.125.255", "255.255.255.255"]) {
    assert(isIpv4(text), text);
  }
  const bad = ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.04", "1.2.3.", ".1.2.3", "1..2.3"];
  bad.push("1.2.3.4 ", "1.2.3.-4", "0x7f.0.0.1", "localhost", "::1", "1.2.3.4/24", "1.2.3.1000");
  for (const text of bad) assertFalse(isIpv4(text), JSON.stringify(text));
});
