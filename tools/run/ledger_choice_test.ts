import { assertEquals } from "@std/assert";
import { environmentWithFlag, parseLedger, taskCommand } from "./ledger_choice.ts";
import { ledgerForContainers, ledgerForProcesses } from "./ledger_nodes.ts";

Deno.test("parseLedger() knows files, nodes of up, and the nodes of a cluster", () => {
  assertEquals(parseLedger(""), { kind: "files" });
  assertEquals(parseLedger("files"), { kind: "files" });
  assertEquals(parseLedger("jetstream"), { kind: "nodes" });
  for (const url of ["nats://a,b", "tls://a:4222"]) {
    assertEquals(parseLedger(url), { kind: "cluster", url });
  }
  for (const text of ["nats", "nats://", "JetStream", "http://a"]) {
    assertEquals(parseLedger(text), undefined);
  }
});

Deno.test("environmentWithFlag() lets a flag stand for LEDGER alone", () => {
  const environment = (name: string) => `${name} of the environment`;
  assertEquals(environmentWithFlag("files", environment)("LEDGER"), "files");
  assertEquals(environmentWithFlag("files", environment)("PATH"), "PATH of the environment");
  assertEquals(environmentWithFlag(undefined, environment)("LEDGER"), "LEDGER of the environment");
});

Deno.test("ledgerForProcesses() and ledgerForContainers() allow the nodes of the ledger alone", () => {
  const nodes = { ledger: { kind: "nodes" }, nodePort: 10_000 } as const;
  const local = ledgerForProcesses(nodes);
  assertEquals(local.variable, "nats://127.0.0.1:10000,127.0.0.1:10001,127.0.0.1:10002");
  assertEquals(local.nodes?.addresses, ["127.0.0.1:10000", "127.0.0.1:10001", "127.0.0.1:10002"]);
  const container = ledgerForContainers(nodes, "10.0.0.0/8");
  assertEquals(container.variable, "nats://node1,node2,node3");
  assertEquals(container.nodes?.addresses, [
    "node1:4222",
    "node2:4222",
    "node3:4222",
    "10.0.0.0/8:4222",
  ]);
  const cluster = { ledger: { kind: "cluster", url: "tls://a,b:5000" }, nodePort: 4222 } as const;
  for (const access of [ledgerForProcesses(cluster), ledgerForContainers(cluster, "")]) {
    assertEquals(access.variable, "tls://a,b:5000");
    assertEquals(access.nodes?.addresses, ["a:4222", "b:5000"]);
  }
  const files = { ledger: { kind: "files" }, nodePort: 4222 } as const;
  assertEquals(ledgerForProcesses(files), { variable: "files" });
  assertEquals(ledgerForContainers(files, ""), { variable: "files" });
});

Deno.test("taskCommand() names the ledger, unless it is that of files", () => {
  const commandOf = (text: string) => taskCommand("reset", parseLedger(text)!).split(" task ")[1];
  assertEquals(commandOf("files"), "reset");
  assertEquals(commandOf("jetstream"), "reset --ledger jetstream");
  assertEquals(commandOf("nats://a,b"), "reset --ledger nats://a,b");
});
