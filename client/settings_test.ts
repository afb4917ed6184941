import { assert, assertEquals, assertThrows } from "@std/assert";
import { SettingsError } from "../shared/config.ts";
import { needs } from "../testing/needs.ts";
import { readCommandLine } from "./command_line.ts";
import { readClientSettings } from "./settings.ts";
import { parseYaml } from "./yaml.ts";

const CONFIG_YAML = 'server:\n  address: "server:12345"\nbatch_size: 100\nlog:\n  level: "info"\n';

/** Returns sources with these files, environment variables and flags only. */
function sources(
  { files = { "config.yaml": CONFIG_YAML }, environment = {}, flags = {} }: {
    files?: Record<string, string>;
    environment?: Record<string, string>;
    flags?: Record<string, string | undefined>;
  },
) {
  return {
    parseYaml,
    flags,
    environment: (name: string) => environment[name],
    readFile(path: string): string {
      if (!Object.hasOwn(files, path)) throw new Deno.errors.NotFound("no such file");
      return files[path];
    },
  };
}

function faults(given: Parameters<typeof sources>[0]): readonly string[] {
  return assertThrows(() => readClientSettings(sources(given)), SettingsError).faults;
}

Deno.test("readClientSettings() reads a minimal file and adds defaults", () => {
  assertEquals(readClientSettings(sources({ environment: { CLI_ID: "3" } })), {
    agency: 3,
    host: "server",
    port: 12345,
    tls: undefined,
    readKey: undefined,
    logLevel: "info",
    logFormat: "text",
    data: "data",
    result: undefined,
    batchSize: 100,
    batchBytesMax: 8192,
    answerTimeoutMs: 10_000,
    retryMs: 60_000,
    winnersTimeoutMs: 60_000,
    legacyServer: false,
  });
});

Deno.test({
  ...needs(["read"], "readClientSettings() accepts the project's own config.yaml"),
  fn() {
    const { batchSize, host } = readClientSettings({
      parseYaml,
      environment: (name) => name === "CLI_ID" ? "1" : undefined,
      readFile: () => Deno.readTextFileSync(`${import.meta.dirname}/config.yaml`),
    });
    assertEquals({ batchSize, host }, { batchSize: 100, host: "server" });
  },
});

Deno.test("readClientSettings() prefers flags to the environment, and the environment to the file", () => {
  const environment = { CLI_ID: "3", CLI_BATCH_SIZE: "5", CLI_SERVER_ADDRESS: "a:1" };
  const read = (flags: Record<string, string>) =>
    readClientSettings(sources({ environment, flags }));
  assertEquals(read({}).batchSize, 5);
  assertEquals(read({}).host, "a");
  assertEquals(read({ CLI_RESULT: "x.json" }).result, "x.json");
  assertEquals(read({ CLI_BATCH_SIZE: "7" }).batchSize, 7);
});

Deno.test("readClientSettings() takes the log's format from its own setting, else from that of servers", () => {
  const format = (environment: Record<string, string>) =>
    readClientSettings(sources({ environment: { CLI_ID: "3", ...environment } })).logFormat;
  assertEquals(format({ LOG_FORMAT: "json" }), "json");
  assertEquals(format({ LOG_FORMAT: "json", CLI_LOG_FORMAT: "text" }), "text");
  const [fault] = faults({ environment: { CLI_ID: "3", LOG_FORMAT: "xml" } });
  assertEquals(fault, 'log.format is "xml" (its default): give one of text, json');
});

Deno.test("readClientSettings() takes legacy servers for possible by flag, environment or file", async () => {
  const environment = { CLI_ID: "3" };
  const read = (given: Parameters<typeof sources>[0]) =>
    readClientSettings(sources({ environment, ...given })).legacyServer;
  const files = { "config.yaml": `${CONFIG_YAML}legacy_server: true\n` };
  assertEquals(read({}), false);
  assertEquals(read({ files }), true);
  assertEquals(read({ files, environment: { ...environment, CLI_LEGACY_SERVER: "false" } }), false);
  const commandLine = await readCommandLine(["--legacy-server", "--id", "3"]);
  assert(typeof commandLine !== "string");
  assertEquals(read({ flags: commandLine.flags }), true);
});

Deno.test("readClientSettings() reads the named file, or the first default that exists", () => {
  const files = {
    "config.yaml": "batch_size: 1\n",
    "client/config.yaml": "batch_size: 2\n",
    "x.yaml": "batch_size: 3\n",
    "y.yaml": "batch_size: 4\n",
  };
  const { "config.yaml": _, ...others } = files;
  const base = { CLI_ID: "1", CLI_SERVER_ADDRESS: "server:1" };
  const size = (given: Parameters<typeof sources>[0]) =>
    readClientSettings(sources({ environment: base, ...given })).batchSize;
  assertEquals(size({ files }), 1);
  assertEquals(size({ files: others }), 2);
  assertEquals(size({ files: {} }), 100);
  assertEquals(size({ files, environment: { ...base, CLI_CONFIG: "x.yaml" } }), 3);
  const flags = { CLI_CONFIG: "y.yaml" };
  assertEquals(size({ files, flags, environment: { ...base, CLI_CONFIG: "x.yaml" } }), 4);
  assertEquals(
    faults({ flags: { CLI_CONFIG: "z.yaml", CLI_ID: "1" } }),
    ["z.yaml does not exist: name the file that has the settings"],
  );
});

Deno.test("readClientSettings() reports all faults at once", () => {
  const yaml = "server:\n  adress: a:1\nbatch_size: [1]\nlog.level: loud\nretry_seconds: 0\n";
  assertEquals(faults({ files: { "config.yaml": yaml }, flags: { CLI_BATCH_SIZE: "0x10" } }), [
    "batch_size in config.yaml is a list: give one value",
    "id is missing: set it in config.yaml, CLI_ID in the environment, or give --id",
    "server.address is missing: set it in config.yaml, CLI_SERVER_ADDRESS in the environment, " +
    "or give --address",
    'log.level is "loud" (config.yaml): give one of debug, info, warn, error, fatal',
    'batch_size is "0x10" (--batch-size): give an integer from 1 to 100000',
    'retry_seconds is "0" (config.yaml): give an integer from 1 to 86400',
    "server.adress in config.yaml is not a setting: did you mean server.address?",
  ]);
});

Deno.test("readClientSettings() rejects files that do not contain settings", () => {
  const environment = { CLI_ID: "1", CLI_SERVER_ADDRESS: "s:1" };
  for (const yaml of ["a: [", "just text", "- a\n- b\n", "a: 1\na: 2\n"]) {
    assertEquals(faults({ environment, files: { "config.yaml": yaml } }).length, 1, yaml);
  }
  assertEquals(readClientSettings(sources({ environment, files: { "config.yaml": "" } })).port, 1);
});

Deno.test("readClientSettings() rejects invalid addresses", () => {
  for (const address of ["server", "server:0", "server:65536", ":1", "a b:1", "server:1x"]) {
    const environment = { CLI_ID: "1", CLI_SERVER_ADDRESS: address };
    assertEquals(faults({ environment }), [
      `server.address is ${JSON.stringify(address)}: give host:port, such as server:12345`,
    ]);
  }
});

Deno.test("readClientSettings() reads what servers must show over TLS", () => {
  const files = {
    "config.yaml":
      'server:\n  address: "10.0.0.7:12345"\n  tls: true\n  ca: ca.pem\n  name: server\n',
    "ca.pem": "-----BEGIN CERTIFICATE-----\n",
    "empty.pem": "",
  };
  const read = (environment: Record<string, string>) =>
    readClientSettings(sources({ files, environment: { CLI_ID: "1", ...environment } })).tls;
  assertEquals(read({}), { name: "server", caCerts: [files["ca.pem"]] });
  assertEquals(read({ CLI_SERVER_NAME: "other" })?.name, "other");
  const environment = { CLI_ID: "1", CLI_SERVER_TLS: "true", CLI_SERVER_ADDRESS: "host:1" };
  assertEquals(readClientSettings(sources({ environment })).tls, { name: "host", caCerts: [] });

  const faulty = (CLI_SERVER_CA: string) =>
    faults({ files, environment: { CLI_ID: "1", CLI_SERVER_CA } });
  assertEquals(faulty("empty.pem"), ["server.ca is empty.pem, which has no certificate in PEM"]);
  assertEquals(faulty("none.pem"), ["server.ca is none.pem, which cannot be read: no such file"]);
});

Deno.test("readClientSettings() refuses demands on TLS where TLS is not asked for", () => {
  const environment = { CLI_ID: "1", CLI_SERVER_CA: "ca.pem", CLI_SERVER_NAME: "server" };
  assertEquals(faults({ environment }), [
    "server.ca and server.name: given without server.tls: true (CLI_SERVER_TLS=true): set it, too",
  ]);
});

const KEY = "0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE";

Deno.test("readClientSettings() reads the agency's key from a file, or from the environment", () => {
  const files: Record<string, string> = { "config.yaml": CONFIG_YAML, "3.key": `${KEY}\n` };
  const tls = { CLI_ID: "3", CLI_SERVER_TLS: "true" };
  const read = (environment: Record<string, string>) =>
    readClientSettings(sources({ files, environment: { ...tls, ...environment } })).readKey;
  assertEquals(read({}), undefined);
  assertEquals(read({ CLI_KEY: ` ${KEY} ` })?.(), KEY);
  const readKey = read({ CLI_KEY_FILE: "3.key" })!;
  assertEquals(readKey(), KEY);
  files["3.key"] = KEY.toUpperCase();
  assertEquals(readKey(), KEY.toUpperCase(), "it may be replaced while the client runs");
});

Deno.test("readClientSettings() refuses a key without TLS, twice, or malformed, and never quotes it", () => {
  const files = { "config.yaml": CONFIG_YAML, "3.key": `${KEY}0\n` };
  const tls = { CLI_ID: "3", CLI_SERVER_TLS: "true" };
  const table: [environment: Record<string, string>, fault: string][] = [
    [
      { CLI_ID: "3", CLI_KEY: KEY },
      "the key of the agency is given without TLS: set server.tls: true",
    ],
    [
      { ...tls, CLI_KEY: KEY, CLI_KEY_FILE: "3.key" },
      "CLI_KEY and key_file (CLI_KEY_FILE) are both",
    ],
    [{ ...tls, CLI_KEY_FILE: "3.key" }, "3.key has no key of 43 letters"],
    [{ ...tls, CLI_KEY: KEY.slice(1) }, "CLI_KEY in the environment has no key of 43 letters"],
    [{ ...tls, CLI_KEY_FILE: "4.key" }, "the key of the agency cannot be read: no such file"],
  ];
  for (const [environment, fault] of table) {
    const [found] = faults({ files, environment });
    assert(found.includes(fault), found);
    assert(!found.includes(KEY.slice(1)), "the key is quoted");
  }
});
