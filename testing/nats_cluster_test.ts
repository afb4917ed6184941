import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { NatsCluster } from "./nats_cluster.ts";
import { NatsConnection } from "./nats_connection.ts";
import { natsServers } from "./nats_server.ts";
import { needs } from "./needs.ts";

const NATS = ["posix", "run", "net", "read", "write", "env", "natsServer"] as const;

/** Creates a stream with a replica on every node. */
async function createStream({ nodes }: NatsCluster, name: string): Promise<void> {
  using connection = await NatsConnection.open(nodes[0].address);
  const settings = { name, subjects: [`${name}.*`], num_replicas: nodes.length };
  const { error } = await connection.requestJson(`$JS.API.STREAM.CREATE.${name}`, settings);
  assertEquals(error, undefined);
}

/** Publishes a message, to one node after the other until it is acknowledged. Returns its sequence. */
async function publish(cluster: NatsCluster, subject: string): Promise<number> {
  let sequence = 0;
  let attempts = 0;
  await cluster.until("a message is acknowledged", async () => {
    const running = cluster.nodes.filter(({ isRunning }) => isRunning);
    using connection = await NatsConnection.open(running[attempts++ % running.length].address);
    const options = { timeoutMs: 1000 };
    const answer = await connection.requestJson(subject, "text", options).catch(() => ({}));
    sequence = answer.seq ?? 0;
    return sequence > 0;
  });
  return sequence;
}

Deno.test(needs(NATS, "NatsCluster serves with one node, of every version found"), async (test) => {
  for (const { path, version } of natsServers()) {
    await test.step(version, async () => {
      await using cluster = await NatsCluster.start({ nodes: 1, executable: path });
      const [node] = cluster.nodes;
      assertEquals((await node.monitoring.status()).version, version);
      await createStream(cluster, "A");
      assertEquals(await publish(cluster, "A.1"), 1);
      assertEquals(await cluster.leader("A"), node);
      await cluster.replicated();
      assertEquals(cluster.environment, {
        LEDGER: `nats://127.0.0.1:${node.address.port}`,
        LEDGER_REPLICAS: "1",
      });
    });
  }
});

Deno.test(
  needs(NATS, "NatsCluster survives the death, the pause and the loss of one of three nodes"),
  async (test) => {
    await using cluster = await NatsCluster.start();
    await createStream(cluster, "A");
    assertEquals(await publish(cluster, "A.1"), 1);

    await test.step("a killed leader is replaced, and follows when it is back", async () => {
      const leader = await cluster.leader("A");
      await leader.kill();
      assertEquals(leader.isRunning, false);
      await publish(cluster, "A.2");
      assertNotEquals(await cluster.leader("A"), leader);
      await leader.start();
      await cluster.replicated();
    });

    await test.step("a paused node answers nothing until it is resumed", async () => {
      const leader = await cluster.leader("A");
      const follower = cluster.nodes.find((node) => node !== leader)!;
      follower.pause();
      await cluster.until(
        "the node is paused",
        () => Promise.resolve(follower.process!.isStopped()),
      );
      assertEquals(await follower.isHealthy(), false);
      await publish(cluster, "A.3");
      follower.resume();
      await cluster.replicated();
    });

    await test.step("a wiped node gets everything again", async () => {
      const node = cluster.nodes[2];
      await assertRejects(() => node.wipe(), Error, "it is running");
      await node.stop();
      await node.wipe();
      assertEquals([...Deno.readDirSync(node.folder)], []);
      await cluster.startAll();
      await cluster.replicated();
      assertEquals((await node.streams()).map(({ name }) => name), ["A"]);
    });
  },
);

Deno.test(
  needs(NATS, "NatsCluster configures when nodes sync, and passes on other settings"),
  async () => {
    for (const syncAlways of [true, false]) {
      const config = { cluster: `c-${syncAlways}` };
      await using cluster = await NatsCluster.start({ syncAlways, config });
      const status = await cluster.nodes[0].monitoring.status();
      assertEquals(status.jetstream.config!.sync_always ?? false, syncAlways);
      assertEquals(status.cluster!.name, config.cluster);
    }
  },
);
