import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NatsCluster } from "../../../testing/nats_cluster.ts";
import { NatsConnection } from "../../../testing/nats_connection.ts";
import { needs } from "../../../testing/needs.ts";
import { readStream } from "../../../testing/stream_reader.ts";
import { namedBatch } from "../../testing/ledgers.ts";
import { openLog, SERVER_LEVELS } from "../../../shared/logging.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { askApi, NATS, openOn, type OpenOptions } from "./testing/nodes.ts";

/** A stream as servers make it. */
const SAFE = {
  storage: "file",
  num_replicas: 1,
  retention: "limits",
  discard: "new",
  deny_delete: true,
  deny_purge: true,
};

/** Opens a ledger that must not open. Returns why. */
async function refusal(cluster: NatsCluster, options: OpenOptions): Promise<string> {
  const opening = openOn(cluster, options).then((ledger) => ledger[Symbol.asyncDispose]());
  return (await assertRejects(() => opening, FatalLedgerError)).message;
}

/** Returns the names of the streams of a lottery. */
async function streamsOf(cluster: NatsCluster, name: string): Promise<string[]> {
  const { streams } = await askApi(cluster, "STREAM.NAMES");
  const prefix = `${name.toUpperCase()}_`;
  return (streams as string[] ?? []).filter((stream) => stream.startsWith(prefix)).sort();
}

Deno.test(needs(NATS, "a server refuses streams that do not keep what they store"), async () => {
  await using cluster = await NatsCluster.start({ nodes: 1 });
  const unsafe: Record<string, [changed: Record<string, unknown>, reason: string]> = {
    "memory": [{ storage: "memory" }, "it is kept in memory"],
    "delete": [{ deny_delete: false }, "deny_delete is off"],
    "purge": [{ deny_purge: false }, "deny_purge is off"],
    "rollup": [{ allow_rollup_hdrs: true, deny_purge: false }, "allow_rollup_hdrs is on"],
    "queue": [{ retention: "workqueue" }, "its retention is workqueue"],
    "age": [{ max_age: 3_600_000_000_000 }, "max_age is 3600000000000"],
    "bytes": [{ max_bytes: 1_000_000 }, "max_bytes is 1000000"],
    "count": [{ max_msgs: 1000 }, "max_msgs is 1000"],
    "subject": [
      { subjects: ["subject.>"] },
      "its subjects are subject.>: they must be subject.draws",
    ],
  };
  for (const [name, [changed, reason]] of Object.entries(unsafe)) {
    const stream = `${name.toUpperCase()}_DRAWS`;
    const config = { name: stream, subjects: [`${name}.draws`], ...SAFE, ...changed };
    await askApi(cluster, `STREAM.CREATE.${stream}`, config);
    const message = await refusal(cluster, { name });
    assertStringIncludes(message, `Stream ${stream} does not keep what it stores`);
    assertStringIncludes(message, reason);
  }
  const safe = { name: "SAFE_DRAWS", subjects: ["safe.draws"], ...SAFE };
  await askApi(cluster, "STREAM.CREATE.SAFE_DRAWS", safe);
  await using _ledger = await openOn(cluster, { name: "safe" });
  assertStringIncludes(
    await refusal(cluster, { name: "safe", replicas: 3 }),
    "it has 1 replicas, but LEDGER_REPLICAS is 3: nats stream edit SAFE_DRAWS --replicas 3",
  );
});

Deno.test(needs(NATS, "a server refuses a single node, unless one replica is enough"), async () => {
  await using cluster = await NatsCluster.start({ nodes: 1 });
  const message = await refusal(cluster, { replicas: 3 });
  assertStringIncludes(message, "set LEDGER_REPLICAS=1 for a test");
});

Deno.test(
  needs(NATS, "a server refuses a draw with other settings, or with lost streams"),
  async () => {
    await using cluster = await NatsCluster.start({ nodes: 1 });
    {
      await using ledger = await openOn(cluster);
      assertEquals(await ledger.append(namedBatch("a"), 0), { status: "stored" });
    }
    const others = [{ agencies: 4 }, { winningNumber: 1 }];
    for (const other of others) {
      const message = await refusal(cluster, other);
      assertStringIncludes(
        message,
        "with AGENCIES_AMOUNT=3 and LOTTERY_WINNER_NUMBER=7574; this server",
      );
    }
    // The draw keeps its partitions.
    await (await openOn(cluster, { partitions: 9 }))[Symbol.asyncDispose]();

    const streams = await streamsOf(cluster, "lottery");
    const bets = streams.find((stream) => stream !== "LOTTERY_DRAWS")!;
    const list = await readConfig(cluster, "LOTTERY_DRAWS");
    await askApi(cluster, "STREAM.DELETE.LOTTERY_DRAWS");
    assertStringIncludes(
      await refusal(cluster, {}),
      "LOTTERY_DRAWS is older than the bets in LOTTERY_",
    );

    await askApi(cluster, "STREAM.DELETE.LOTTERY_DRAWS");
    await askApi(cluster, "STREAM.CREATE.LOTTERY_DRAWS", list.config);
    using connection = await NatsConnection.open(cluster.nodes[0].address);
    await connection.requestJson("lottery.draws", list.record);
    await askApi(cluster, `STREAM.DELETE.${bets}`);
    assertStringIncludes(
      await refusal(cluster, {}),
      `Stream ${bets} of the current draw is missing`,
    );
  },
);

/** Returns the configuration of the list of draws, and its last record. */
async function readConfig(cluster: NatsCluster, stream: string) {
  using connection = await NatsConnection.open(cluster.nodes[0].address);
  const record = (await readStream(connection, stream)).at(-1)!;
  const { config } = await askApi(cluster, `STREAM.INFO.${stream}`);
  return { config, record: JSON.parse(new TextDecoder().decode(record.body)) };
}

Deno.test(needs(NATS, "eight servers that start together make one draw"), async () => {
  await using cluster = await NatsCluster.start();
  const ledgers = await Promise.all(Array.from({ length: 8 }, () => openOn(cluster)));
  await using stack = new AsyncDisposableStack();
  for (const ledger of ledgers) stack.use(ledger);
  using connection = await NatsConnection.open(cluster.nodes[0].address);
  assertEquals((await readStream(connection, "LOTTERY_DRAWS")).length, 1);
  assertEquals((await streamsOf(cluster, "lottery")).length, 3);
  const results = await Promise.all(
    ledgers.map((ledger, index) => ledger.append(namedBatch(`b${index}`, { agency: 1 }))),
  );
  assertEquals(results, results.map(() => ({ status: "stored" })));
  assertEquals(await ledgers[0].progress(1), { status: "known", bets: 16 });
});

/** A node that says it is of a version, and accepts everybody. */
function startFakeNode(version: string): Disposable & { address: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const info = {
    server_id: "A",
    server_name: "old",
    version,
    proto: 1,
    headers: true,
    max_payload: 1e6,
  };
  (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      const encoder = new TextEncoder();
      await connection.write(encoder.encode(`INFO ${JSON.stringify(info)}\r\n`));
      await connection.read(new Uint8Array(4096)).catch(() => null);
      await connection.write(encoder.encode("PONG\r\n")).catch(() => 0);
    }
  })();
  return {
    address: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    [Symbol.dispose]: () => {
      listener.close();
      for (const connection of connections) connection.close();
    },
  };
}

Deno.test(
  needs(NATS, "a server refuses nodes of a version that may store conflicting appends"),
  async () => {
    for (const version of ["2.9.10", "2.10.22", "1.99.99"]) {
      using node = startFakeNode(version);
      const message = await refusal({ nodes: [] } as unknown as NatsCluster, {
        nodes: [node.address],
      });
      assertStringIncludes(message, `Node old runs NATS ${version}`);
      assertStringIncludes(message, "upgrade every node of the cluster to 2.10.23 or later");
    }
  },
);

Deno.test(
  needs(NATS, "a server that starts while the cluster is away waits, says so, and serves"),
  async () => {
    await using cluster = new NatsCluster({ nodes: 1 });
    const waiting = Promise.withResolvers<string>();
    const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: waiting.resolve });
    const opening = openOn(cluster, { log });
    const [{ address: { hostname, port } }] = cluster.nodes;
    assertStringIncludes(
      await waiting.promise,
      `action: ledger | result: in_progress | nodes: ${hostname}:${port} | waits_for: connection refused`,
    );
    await cluster.startAll();
    await using ledger = await opening;
    assertEquals(await ledger.append(namedBatch("a"), 0), { status: "stored" });
  },
);
