import { assertEquals } from "@std/assert";
import { Hosts } from "./hosts.ts";
import { NatsCluster } from "./nats_cluster.ts";
import { needs } from "./needs.ts";

const NEEDED = ["posix", "run", "net", "read", "write", "env", "natsServer", "hosts"] as const;

/** Returns whether this machine has a namespace. */
function hasNamespace(name: string): boolean {
  const { stdout } = new Deno.Command("ip", { args: ["netns", "list"] }).outputSync();
  return new TextDecoder().decode(stdout).includes(name);
}

Deno.test({
  ...needs(NEEDED, "Hosts.cut() separates a host from the others until it joins"),
  // The system goes on connecting to the host that was cut off when nobody waits for it any more.
  sanitizeOps: false,
  fn: async () => {
    let name: string;
    {
      await using hosts = new Hosts(3);
      await using cluster = await NatsCluster.start({
        hostnames: hosts.hosts.map(({ nodesIp }) => nodesIp),
        adapt: (program, index) => hosts.on(hosts.hosts[index], program),
      });
      const [host] = hosts.hosts;
      name = host.name;
      assertEquals(hasNamespace(name), true);
      const [node] = cluster.nodes;
      hosts.cut(host);
      assertEquals(await node.isHealthy(), false);
      hosts.join(host);
      await cluster.recover();
    }
    assertEquals(hasNamespace(name), false);
  },
});

Deno.test(needs(NEEDED, "Hosts.name() lets a name lead to several addresses"), async () => {
  await using hosts = new Hosts(1);
  const [host] = hosts.hosts;
  hosts.name(host, { hostname: "lottery-servers", addresses: ["198.19.1.1", "198.19.1.2"] });
  const { command, args } = hosts.on(host, {
    name: "lookup",
    command: "getent",
    args: ["ahostsv4", "lottery-servers"],
  });
  const { stdout } = await new Deno.Command(command!, { args }).output();
  const addresses = new TextDecoder().decode(stdout).match(/^198\.19\.1\.\d+(?= +STREAM)/gm);
  assertEquals(addresses?.sort(), ["198.19.1.1", "198.19.1.2"]);
});
