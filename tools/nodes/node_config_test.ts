import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { findNatsServer } from "./nats_server.ts";
import { nodeConfig, type NodeOptions } from "./node_config.ts";

const NODE: NodeOptions = {
  name: "node1",
  routes: ["one:6222", "two:6222", "three:6222"],
  storeFolder: "/data",
};

Deno.test("nodeConfig() writes the file of a node that syncs every write", () => {
  assertEquals(
    nodeConfig(NODE),
    `server_name: "node1"
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
jetstream {
  store_dir: "/data"
  # Without this line a power cut loses acknowledged bets.
  sync_interval: always
}
cluster {
  name: "lottery"
  listen: "0.0.0.0:6222"
  routes: ["nats://one:6222", "nats://two:6222", "nats://three:6222"]
  # Servers of the lottery know the nodes from LEDGER.
  no_advertise: true
}
`,
  );
});

Deno.test("nodeConfig() leaves out the sync only where that is asked for", () => {
  assertEquals(nodeConfig({ ...NODE, syncAlways: false }).includes("sync_interval"), false);
});

Deno.test("nodeConfig() gives a node without others no cluster", () => {
  for (const routes of [[], ["one:6222"]]) {
    assertEquals(nodeConfig({ ...NODE, routes }).includes("cluster"), false);
  }
});

Deno.test({
  ...needs(
    ["run", "write", "natsServer"],
    "nodeConfig() writes what nats-server accepts, with a user of any name and password",
  ),
  fn: async () => {
    await using folder = tempFolder();
    const { path } = findNatsServer();
    const user = { name: 'lot"tery ñ', password: "a:b/c@d e#'{}" };
    const options = {
      ...NODE,
      user,
      maxFileBytes: 10_000_000,
      monitoringIp: "127.0.0.1",
    };
    const file = `${folder.path}/node.conf`;
    await Deno.writeTextFile(file, nodeConfig(options));
    const check = await new Deno.Command(path, { args: ["-t", "-c", file] }).output();
    const output = new TextDecoder().decode(check.stderr);
    assertStringIncludes(output, "is valid");
    await Deno.writeTextFile(file, nodeConfig(options).replace("always", "sometimes"));
    assertEquals(
      (await new Deno.Command(path, { args: ["-t", "-c", file] }).output()).success,
      false,
    );
  },
});
