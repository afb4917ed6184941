import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../command.ts";
import { isOnStreams, readToolLedger } from "./tool_ledger.ts";

const CONFIG = `[DEFAULT]
SERVER_PORT = 12345
SERVER_LISTEN_BACKLOG = 128
UDP_BROADCAST_IP = 172.25.125.255
UDP_BROADCAST_PORT = 5000
AGENCIES_AMOUNT = 5
LOGGING_LEVEL = INFO
`;

/** Reads the ledger where .env and config.ini have these texts. */
function read(
  { env = "", config = "", flag, ...variables }: {
    env?: string;
    config?: string;
    flag?: string;
    [name: string]: string | undefined;
  },
) {
  const found = readToolLedger({
    flag,
    action: "check",
    environment: (name) => variables[name],
    readFile: (path) => path.endsWith(".env") ? env : CONFIG + config,
  });
  const { choice, server: { ledger } } = found;
  const nodes = ledger.engine === "nats" ? ledger.nodes.join() : undefined;
  assertEquals(isOnStreams(found), nodes !== undefined);
  return { kind: choice.kind, nodes };
}

Deno.test("readToolLedger() prefers the flag, then the environment, .env and config.ini", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((host) => ({
    kind: "cluster" as const,
    nodes: `${host}:4222`,
  }));
  const all = { env: "LEDGER=nats://c\n", config: "LEDGER = nats://d\n", LEDGER: "nats://b" };
  assertEquals(read({ ...all, flag: "nats://a" }), a);
  assertEquals(read(all), b);
  assertEquals(read({ ...all, LEDGER: undefined }), c);
  assertEquals(read({ config: all.config }), d);
  assertEquals(read({ config: all.config, flag: "files" }), { kind: "files", nodes: undefined });
  assertEquals(read({}), { kind: "files", nodes: undefined });
});

Deno.test("readToolLedger() finds the nodes of up by NODE_PORT", () => {
  const nodes = (port: number) => [port, port + 1, port + 2].map((n) => `127.0.0.1:${n}`).join();
  const env = "LEDGER=jetstream\n";
  assertEquals(read({ env }), { kind: "nodes", nodes: nodes(4222) });
  assertEquals(read({ env: `${env}NODE_PORT=5000\n` }), { kind: "nodes", nodes: nodes(5000) });
  assertEquals(read({ env, NODE_PORT: "6000" }), { kind: "nodes", nodes: nodes(6000) });
});

Deno.test("readToolLedger() refuses two different ledgers, and settings that are invalid", () => {
  const refused = (options: Parameters<typeof read>[0], words: string) =>
    assertThrows(() => read(options), UsageError, words);
  refused({ env: "LEDGER=files\n", config: "LEDGER = nats://d\n" }, "LEDGER is files in .env");
  refused({ flag: "kafka" }, "LEDGER is");
  refused({ flag: "nats://a,,b" }, "Cannot check: fix these settings of the server");
  refused({ flag: "nats://user:password@a" }, "LEDGER_USER");
});
