import { assert, assertEquals } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { serverEnvironment } from "../testing/lottery_environment.ts";
import { NatsCluster } from "../testing/nats_cluster.ts";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { LOOPBACK, LOOPBACK_BROADCAST } from "../tools/run/loopback.ts";
import { healthPermissions } from "../tools/run/permissions.ts";

const NATS = ["posix", "run", "net", "read", "write", "env", "natsServer"] as const;
const BET = "StoreBet:1;Ana;Paz;1;1980-01-01;7574\n";
/** Longest wait of a client for an answer. */
const CLIENT_PATIENCE_MS = 10_000;

/** Returns the exit code of the health check of a server. */
async function health(port: number): Promise<number> {
  const network = { listenIp: LOOPBACK, port, broadcastIp: LOOPBACK_BROADCAST, broadcastPort: 0 };
  const permissions = healthPermissions({ config: `${PROJECT_ROOT}/server/config.ini`, network });
  await using check = new Program({
    name: "health",
    args: ["run", "--quiet", ...permissions, "server/health.ts"],
    env: serverEnvironment({ port, broadcastPort: 0, agencies: 2, volume: "/" }),
  });
  return await check.ended();
}

Deno.test(
  needs(
    NATS,
    "server/main.ts stays while its nodes are away: it accepts, gives no answer, and goes on",
  ),
  async () => {
    await using cluster = await NatsCluster.start({ nodes: 1 });
    await using group = await ServerGroup.start({ servers: 1, agencies: 2, nodes: () => cluster });
    const { address } = group;
    const [node] = cluster.nodes;
    using before = await LineConnection.open(address);
    assertEquals(await before.ask(BET), "StoreResponse:0");
    assertEquals(await health(address.port), 0);

    await node.kill();
    const startedMs = performance.now();
    using during = await LineConnection.open(address);
    const ends = await Promise.allSettled([
      before.ask(BET),
      during.ask("ProgressRequest:1\n"),
      health(address.port),
    ]);
    const [stored, progress, unhealthy] = ends;
    // The connections end; of the second answer the head was sent, as docs/protocol.md says.
    assertEquals([stored.status, progress.status], ["rejected", "rejected"]);
    assert(unhealthy.status === "fulfilled" && unhealthy.value === 1);
    assert(performance.now() - startedMs < CLIENT_PATIENCE_MS);
    assert(group.servers[0].process.isRunning);

    await node.start();
    await cluster.ready();
    using after = await LineConnection.open(address);
    const answer = await after.ask("ProgressRequest:1\n");
    // The bet without an answer may be stored or not.
    assert(answer === "ProgressResponse:1" || answer === "ProgressResponse:2", answer);
    assertEquals(await after.ask(BET), "StoreResponse:0");
    assertEquals(await health(address.port), 0);
    await group.servers[0].process.stop();
  },
);
