import { assertEquals } from "@std/assert";
import { nodeConfig } from "../tools/nodes/node_config.ts";
import { readProjectFile } from "./testing.ts";

Deno.test("docs/operations.md shows the configuration of a node as nodeConfig() writes it", () => {
  const [, shown] = /^```text node1\n([^]*?)^```$/m.exec(readProjectFile("docs/operations.md"))!;
  const hosts = ["host1", "host2", "host3"];
  const folder = "/etc/lottery";
  const tls = {
    cert: `${folder}/host1.pem`,
    key: `${folder}/host1-key.pem`,
    ca: `${folder}/ca.pem`,
  };
  const written = nodeConfig({
    name: "node1",
    routes: hosts.map((host) => `${host}:6222`),
    storeFolder: "/var/lib/lottery",
    user: { name: "lottery", password: "a long password" },
    tls,
    clusterTls: tls,
    maxFileBytes: 100e9,
  });
  assertEquals(shown, written);
});
