import { assert, assertEquals } from "@std/assert";
import { startClient } from "../testing/clients.ts";
import { Hosts } from "../testing/hosts.ts";
import { NatsCluster } from "../testing/nats_cluster.ts";
import { needs } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";
import { assertRows, exerciseBets, readBets, winnersOf } from "./bets.ts";
import { nodesOf } from "./ledgers.ts";

/** The name that leads to both servers. */
const SERVERS_NAME = "lottery-servers";

Deno.test(
  needs(
    ["posix", "run", "write", "env", "net", "natsServer", "hosts"],
    "lottery survives the death of one of the two hosts with servers, with clients on a third",
  ),
  async () => {
    await using bets = await exerciseBets();
    const { path: data, agencies } = bets;
    await using hosts = new Hosts(3);
    const [first, second, third] = hosts.hosts;
    await using nodes = await NatsCluster.start({
      hostnames: hosts.hosts.map(({ nodesIp }) => nodesIp),
      adapt: (program, index) => hosts.on(hosts.hosts[index], program),
    });
    const ledger = nodesOf(nodes, "two-hosts");
    await using servers = await ServerGroup.start({
      servers: 2,
      agencies,
      ...ledger.servers,
      hostnames: [first.clientsIp, second.clientsIp],
      adapt: (program, { index }) => hosts.on(hosts.hosts[index], program),
    });
    hosts.name(third, { hostname: SERVERS_NAME, addresses: [first.clientsIp, second.clientsIp] });
    const address = { hostname: SERVERS_NAME, port: servers.address.port };
    const adapt = hosts.on.bind(hosts, third);
    const env = { CLI_BATCH_SIZE: "10" };
    const clients = Array.from(
      { length: agencies },
      (_, index) => startClient({ agency: index + 1, address, data, env, adapt }),
    );
    await using stack = new AsyncDisposableStack();
    for (const client of clients) stack.use(client);

    // The host dies in the middle: its node, its server, and its network.
    await ledger.untilStored(100_000);
    assert(clients.every(({ isRunning }) => isRunning), "no client has work left");
    hosts.unplug(first);
    await Promise.all([nodes.nodes[0].kill(), servers.servers[0].process.kill()]);

    const rows = await readBets(bets);
    const winners = winnersOf(rows);
    for (const [index, client] of clients.entries()) {
      assertEquals(await client.ended(120_000), 0, client.output());
      const documents = winners[index].join(";");
      await client.line(
        new RegExp(
          `consulta_ganadores \\| result: success.* cant_ganadores: ${
            winners[index].length
          } \\| documentos: ?${documents}`,
        ),
      );
      assertEquals(client.count(/\b(ERROR|FATAL)\b/), 0, client.output());
    }
    assertRows(await ledger.readRows(), rows);
    assertEquals(await servers.servers[1].process.stop(), 0);
  },
);
