import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NatsCluster } from "../../../testing/nats_cluster.ts";
import { NatsConnection } from "../../../testing/nats_connection.ts";
import { needs } from "../../../testing/needs.ts";
import { readStream } from "../../../testing/stream_reader.ts";
import { keepLog, namedBatch } from "../../testing/ledgers.ts";
import type { ReplicatedLedger } from "./replicated_ledger.ts";
import { AGENCIES, askApi, NATS, openOn } from "./testing/nodes.ts";

const STORED = { status: "stored" } as const;

/** Returns the only stream with bets. */
async function betsStream(cluster: NatsCluster): Promise<string> {
  const { streams } = await askApi(cluster, "STREAM.NAMES");
  const [stream, ...others] = (streams as string[]).filter((name) => !name.endsWith("_DRAWS"));
  assertEquals(others, []);
  return stream;
}

/** Returns the names of the consumers of a stream. */
async function consumersOf(cluster: NatsCluster, stream: string): Promise<string[]> {
  const { consumers } = await askApi(cluster, `CONSUMER.NAMES.${stream}`);
  return consumers ?? [];
}

/** Waits until a ledger has read this many bets of agency 1. */
async function followed(ledger: ReplicatedLedger, bets: number): Promise<void> {
  const digest = await ledger.digest(1);
  assert(digest.status === "known", JSON.stringify(digest));
  assertEquals(digest.bets, bets);
}

Deno.test(
  needs(NATS, "a follower whose consumers are taken away reads each message once, in order"),
  async () => {
    await using cluster = await NatsCluster.start({ nodes: 1 });
    await using one = await openOn(cluster, { partitions: 1 });
    await using two = await openOn(cluster, { partitions: 1 });
    const stream = await betsStream(cluster);
    for (let round = 0; round < 10; round++) {
      assertEquals(await two.append(namedBatch(`b${round}`, { count: 5 }), 5 * round), STORED);
      for (const name of await consumersOf(cluster, stream)) {
        await askApi(cluster, `CONSUMER.DELETE.${stream}.${name}`).catch(() => {});
      }
      // A message that is missing, doubled or out of order would end the ledger: its count would be wrong.
      await followed(one, 5 * round + 5);
    }
    assertEquals(await one.digest(1), await two.digest(1));
  },
);

Deno.test(needs(NATS, "a ledger reads a stream that takes many requests"), async () => {
  await using cluster = await NatsCluster.start({ nodes: 1 });
  await using one = await openOn(cluster, { partitions: 1 });
  // More messages, and more bytes, than one request brings.
  const count = 1200;
  for (let batch = 0; batch < count; batch++) {
    const name = batch.toString().padStart(4, "0");
    assertEquals(await one.append(namedBatch(name, { count: 110 })), STORED);
  }
  await using two = await openOn(cluster, { partitions: 1 });
  assertEquals(await two.digest(1), await one.digest(1));
  await followed(two, 110 * count);
});

Deno.test(
  needs(NATS, "without a majority outcomes are unknown in time, and all goes on by itself"),
  async () => {
    await using cluster = await NatsCluster.start();
    const { log, lines } = keepLog();
    await using ledger = await openOn(cluster, { log });
    assertEquals(await ledger.append(namedBatch("a"), 0), STORED);
    const [, ...others] = cluster.nodes;
    for (const node of others) await node.kill();
    const startedMs = performance.now();
    const outcomes = await Promise.all([
      ledger.append(namedBatch("b"), 2),
      ledger.close(2),
      ledger.progress(3),
      ledger.digest(1),
    ]);
    const tookMs = performance.now() - startedMs;
    assertEquals(outcomes.map(({ status }) => status), Array(4).fill("unknown"));
    assert(tookMs < 10_000, `clients wait 10 s for an answer, and this took ${tookMs} ms`);
    await Promise.all(others.map((node) => node.start()));
    await cluster.ready();
    // Nobody sends to a server that is not ready, so it must find out by itself.
    await cluster.until("the server is ready", () => Promise.resolve(ledger.readiness().isReady));
    const progress = await ledger.progress(1);
    assert(progress.status === "known", JSON.stringify(progress));
    const result = await ledger.append(namedBatch("b"), 2);
    assertEquals(result.status, progress.bets === 2 ? "stored" : "refused");
    for (let agency = 1; agency <= AGENCIES; agency++) {
      assertEquals((await ledger.close(agency)).status, "closed");
    }
    assert(await ledger.draw() !== undefined);
    assert(lines.every((line) => line.startsWith("action: ledger")), lines.join("\n"));
  },
);

Deno.test(needs(NATS, "a server stops when another draw begins"), async () => {
  await using cluster = await NatsCluster.start({ nodes: 1 });
  await using ledger = await openOn(cluster);
  using connection = await NatsConnection.open(cluster.nodes[0].address);
  const [record] = await readStream(connection, "LOTTERY_DRAWS");
  await connection.requestJson("lottery.draws", JSON.parse(new TextDecoder().decode(record.body)));
  assertStringIncludes((await ledger.failed).message, "Another draw has begun");
  assertEquals((await ledger.append(namedBatch("a"))).status, "unknown");
});

Deno.test(needs(NATS, "a server stops when somebody else has written to a stream"), async () => {
  await using cluster = await NatsCluster.start({ nodes: 1 });
  await using ledger = await openOn(cluster, { partitions: 1 });
  const stream = await betsStream(cluster);
  const { config } = await askApi(cluster, `STREAM.INFO.${stream}`);
  using connection = await NatsConnection.open(cluster.nodes[0].address);
  await connection.requestJson(config.subjects[0].replace("*", "1"), "hello");
  const { message } = await ledger.failed;
  assertStringIncludes(
    message,
    `Message 1 of stream ${stream} is not one of this lottery's servers`,
  );
});

Deno.test(needs(NATS, "a batch that is larger than a message may be is refused"), async () => {
  await using cluster = await NatsCluster.start({ nodes: 1 });
  await using ledger = await openOn(cluster);
  const bytes = new Uint8Array(1024 * 1024 + 1);
  const result = await ledger.append({ agency: 1, count: 1, bytes });
  assert(result.status === "refused");
  assertStringIncludes(result.reason, "1048577 bytes of rows");
  assertStringIncludes(result.reason, "SERVER_MAX_PACKET_BYTES");
  assertEquals(await ledger.append(namedBatch("a"), 0), STORED);
});
