import { assertEquals } from "@std/assert";
import { SettingsReader } from "../../shared/config.ts";
import { type LedgerSettings, readLedgerSettings } from "./ledger_settings.ts";

/** Reads the settings of the ledger from an environment: they, or the faults in them. */
function read(variables: Record<string, string>): LedgerSettings | readonly string[] {
  const reader = new SettingsReader({
    program: "server",
    environment: (name) => variables[name],
    file: {},
    fileName: "config.ini",
  });
  const settings = readLedgerSettings(reader);
  try {
    reader.finish();
    return settings;
  } catch (error) {
    return (error as { faults: readonly string[] }).faults;
  }
}

const NATS: LedgerSettings = {
  engine: "nats",
  nodes: ["a:4222"],
  isTls: false,
  name: "lottery",
  partitions: 4,
  replicas: 3,
  user: "",
  password: "",
  nkeyFile: "",
  credentialsFile: "",
  tls: { caFile: "", certFile: "", keyFile: "", isFirst: false },
};

Deno.test("readLedgerSettings() keeps bets in files by default, whatever else is set", () => {
  for (const LEDGER of ["", "files"]) {
    assertEquals(read({ LEDGER, LEDGER_USER: "ada", LEDGER_TLS_FIRST: "true" }), {
      engine: "files",
    });
  }
});

Deno.test("readLedgerSettings() reads the nodes of a cluster, with their default port", () => {
  assertEquals(read({ LEDGER: "nats://a" }), NATS);
  const nodes = ["a:4222", "10.0.0.2:5222", "c.example:4222"];
  for (const list of ["a,10.0.0.2:5222,c.example", "a:4222, 10.0.0.2:5222, c.example/"]) {
    assertEquals(read({ LEDGER: `nats://${list}` }), { ...NATS, nodes });
    assertEquals(read({ LEDGER: `tls://${list}` }), { ...NATS, nodes, isTls: true });
  }
});

Deno.test("readLedgerSettings() reads every other setting", () => {
  const settings = read({
    LEDGER: "tls://a",
    LEDGER_NAME: "spring-2027",
    LEDGER_PARTITIONS: "64",
    LEDGER_REPLICAS: "5",
    LEDGER_USER: "ada",
    LEDGER_PASSWORD: "secret",
    LEDGER_TLS_CA: "/ca.pem",
    LEDGER_TLS_CERT: "/cert.pem",
    LEDGER_TLS_KEY: "/key.pem",
    LEDGER_TLS_FIRST: "true",
  });
  assertEquals(settings, {
    ...NATS,
    isTls: true,
    name: "spring-2027",
    partitions: 64,
    replicas: 5,
    user: "ada",
    password: "secret",
    tls: { caFile: "/ca.pem", certFile: "/cert.pem", keyFile: "/key.pem", isFirst: true },
  });
  const { nkeyFile } = read({ LEDGER: "nats://a", LEDGER_NKEY_FILE: "/seed" }) as typeof NATS;
  assertEquals(nkeyFile, "/seed");
  const credentials = read({ LEDGER: "nats://a", LEDGER_CREDENTIALS_FILE: "/user.creds" });
  assertEquals((credentials as typeof NATS).credentialsFile, "/user.creds");
});

Deno.test("readLedgerSettings() refuses what is not a cluster", () => {
  for (const LEDGER of ["file", "http://a", "nats://", "nats://a,,b", "nats://a:0", "nats://a b"]) {
    const [fault, ...others] = read({ LEDGER }) as string[];
    assertEquals(fault.startsWith(`LEDGER is "${LEDGER}": give files, or the nodes`), true, fault);
    assertEquals(others, []);
  }
});

Deno.test("readLedgerSettings() refuses a password in LEDGER, and does not repeat it", () => {
  assertEquals(read({ LEDGER: "nats://ada:secret@a" }), [
    "LEDGER has a user or a password before its host: give those in LEDGER_USER and LEDGER_PASSWORD",
  ]);
});

Deno.test("readLedgerSettings() refuses settings that do not go together", () => {
  const faults = (variables: Record<string, string>) => read({ LEDGER: "nats://a", ...variables });
  const together = "belong together: give both or none";
  assertEquals(faults({ LEDGER_USER: "ada" }), [`LEDGER_USER and LEDGER_PASSWORD ${together}`]);
  assertEquals(faults({ LEDGER_PASSWORD: "x" }), [`LEDGER_USER and LEDGER_PASSWORD ${together}`]);
  assertEquals(faults({ LEDGER_NKEY_FILE: "/seed", LEDGER_CREDENTIALS_FILE: "/creds" }), [
    "Give only one of LEDGER_USER, LEDGER_NKEY_FILE and LEDGER_CREDENTIALS_FILE",
  ]);
  assertEquals(faults({ LEDGER: "tls://a", LEDGER_TLS_CERT: "/cert.pem" }), [
    `LEDGER_TLS_CERT and LEDGER_TLS_KEY ${together}`,
  ]);
  const needsTls = "LEDGER_TLS_CA, _CERT, _KEY and _FIRST need LEDGER to begin with tls://";
  assertEquals(faults({ LEDGER_TLS_CA: "/ca.pem" }), [needsTls]);
  assertEquals(faults({ LEDGER_TLS_FIRST: "true" }), [needsTls]);
});

Deno.test("readLedgerSettings() refuses names, partitions and replicas beyond their limits", () => {
  for (const LEDGER_NAME of ["Lottery", "a b", "a.b", "a_b", "a".repeat(33)]) {
    const [fault] = read({ LEDGER_NAME }) as string[];
    assertEquals(fault.startsWith(`LEDGER_NAME is "${LEDGER_NAME}"`), true, fault);
  }
  assertEquals(read({ LEDGER_NAME: "a".repeat(32) }), { engine: "files" });
  for (const LEDGER_PARTITIONS of ["0", "65"]) {
    assertEquals((read({ LEDGER_PARTITIONS }) as string[]).length, 1, LEDGER_PARTITIONS);
  }
  for (const LEDGER_REPLICAS of ["0", "2", "4", "7"]) {
    assertEquals((read({ LEDGER_REPLICAS }) as string[]).length, 1, LEDGER_REPLICAS);
  }
});
