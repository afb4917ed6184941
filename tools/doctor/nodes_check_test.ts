import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { NatsCluster } from "../../testing/nats_cluster.ts";
import { needs } from "../../testing/needs.ts";
import { checkNodes, judgeNodes, type NodeAnswers, type SilentNode } from "./nodes_check.ts";

const EXPECTED = { streamPrefix: "LOTTERY_", replicas: 3 };
const NOW_MS = Date.parse("2026-11-27T12:00:00Z");

/** What a test changes in the answers of a sound node. */
interface Changes {
  version?: string;
  syncAlways?: boolean;
  isDisabled?: boolean;
  usedShare?: number;
  health?: string;
  clusterName?: string;
  clusterSize?: number;
  leader?: string;
  clockMs?: number;
  roundTripMs?: number;
  /** The leader of the stream of the lottery. @default {this node} */
  streamLeader?: string;
  /** The replicas of a stream of the lottery that it has. */
  replicas?: { name: string; current: boolean; lag?: number; offline?: boolean }[];
  streamName?: string;
}

function node(index: number, changes: Changes = {}): NodeAnswers {
  const name = `node${index}`;
  const { clusterSize = 3, leader = "node1", isDisabled = false, replicas, roundTripMs = 2 } =
    changes;
  const max_storage = 1_000_000;
  const stream = {
    name: changes.streamName ?? "LOTTERY_12345678_0",
    cluster: {
      leader: changes.streamLeader ?? name,
      replicas: replicas?.map((replica) => ({ active: 0, ...replica })),
    },
    config: { name: "LOTTERY_12345678_0", num_replicas: 3, storage: "file" },
    state: { messages: 1, bytes: 1 },
  };
  return {
    address: `host${index}:8222`,
    status: {
      server_name: name,
      version: changes.version ?? "2.14.5",
      now: new Date(NOW_MS + (changes.clockMs ?? 1)).toISOString(),
      cluster: { name: changes.clusterName ?? "lottery" },
      jetstream: isDisabled ? {} : {
        config: { sync_always: changes.syncAlways ?? true, max_storage },
        meta: { cluster_size: clusterSize },
      },
    },
    jetStream: {
      disabled: isDisabled,
      config: { max_storage },
      storage: max_storage * (changes.usedShare ?? 0.25),
      meta_cluster: { leader },
      account_details: [{ name: "$G", stream_detail: replicas === undefined ? [] : [stream] }],
    },
    health: changes.health === undefined
      ? { status: "ok" }
      : { status: "unavailable", error: changes.health },
    askedMs: NOW_MS,
    roundTripMs,
  };
}

/** Judges three nodes, of which the second has changes. Returns what is not fine. */
function problemsOf(changes: Changes, looks = 1): string[] {
  const answers = [node(1), node(2, changes), node(3)];
  return problems(Array(looks).fill(answers));
}

function problems(looks: (NodeAnswers | SilentNode)[][], expected = EXPECTED): string[] {
  return judgeNodes(looks, expected)
    .filter(({ level }) => level !== "ok")
    .map(({ level, name, text }) => `${level} ${name} ${text}`);
}

Deno.test("judgeNodes() finds nothing wrong with three sound nodes", () => {
  const replicas = [{ name: "node1", current: true }, { name: "node3", current: true, lag: 0 }];
  const findings = judgeNodes([[node(1), node(2, { replicas }), node(3)]], EXPECTED);
  assertEquals(findings.map(({ level, name }) => `${level} ${name}`), [
    "ok node1",
    "ok node2",
    "ok node3",
    "ok nodes",
  ]);
});

Deno.test("judgeNodes() mentions that nodes before 2.15 sync each message twice", () => {
  const texts = judgeNodes(
    [[node(1, { version: "2.10.27" }), node(2, { version: "2.15.0" })]],
    EXPECTED,
  )
    .map(({ text }) => text);
  assertMatch(texts[0], /syncs every write.*before 2\.15\.0.*docs\/scale\.md/);
  assertNotMatch(texts[1], /twice/);
});

Deno.test("judgeNodes() names what is wrong with a node, and what to do", () => {
  const cases: [Changes, RegExp][] = [
    [{ syncAlways: false }, /^fault node2 .*does not sync every write.*sync_interval: always/],
    [{ version: "2.10.22" }, /^fault node2 .*versions before 2\.10\.23.*install/],
    [{ version: "2.9.10" }, /^fault node2 .*versions before 2\.10\.23/],
    [{ isDisabled: true }, /^fault node2 .*switched off.*disk is full.*make room/],
    [{ usedShare: 0.96 }, /^fault node2 .*storage is full \(96 %\).*larger disk/],
    [{ usedShare: 0.85 }, /^warning node2 .*nearly full \(85 %\)/],
    [{ health: "no meta leader" }, /^fault node2 .*not healthy: no meta leader/],
    [{ clusterName: "other" }, /^fault nodes .*different clusters \(lottery, other\)/],
    [{ clockMs: 2500 }, /^fault nodes .*clocks differ .*node2 2\.5 s.*NTP/],
    [{ clockMs: -2500 }, /^fault nodes .*clocks differ .*node2 -2\.5 s/],
    [{ clusterSize: 5 }, /^warning nodes .*has 5, and 3 were asked/],
  ];
  for (const [changes, expected] of cases) {
    const [problem, ...others] = problemsOf(changes);
    assertMatch(problem, expected);
    assertEquals(others, [], JSON.stringify(changes));
  }
});

Deno.test("judgeNodes() allows for the time that an answer takes when it compares clocks", () => {
  assertEquals(problemsOf({ clockMs: 3000, roundTripMs: 4000 }), []);
});

Deno.test("judgeNodes() says that a node cannot be asked, and judges the others", () => {
  const silent = { address: "host2:8222", reason: "nothing listens there" };
  const found = problems([[node(1), silent, node(3, { syncAlways: false })]]);
  assertEquals(found.length, 2);
  assertMatch(found[0], /^fault node host2:8222 cannot be asked \(nothing listens there\)/);
  assertMatch(found[1], /^fault node3 .*sync_interval/);
});

Deno.test("judgeNodes() reports fewer than three nodes, and no leader", () => {
  const alone = [node(1, { clusterSize: 1 })];
  assertMatch(problems([alone])[0], /^fault nodes 1 of at least 3: .*LEDGER_REPLICAS/);
  const [test] = problems([alone], { ...EXPECTED, replicas: 1 });
  assertMatch(test, /^warning nodes 1 of at least 3/);
  const leaderless = [1, 2, 3].map((index) => {
    const answers = node(index);
    return { ...answers, jetStream: { ...answers.jetStream, meta_cluster: {} } };
  });
  assertMatch(problems([leaderless])[0], /^fault nodes they have no leader/);
});

Deno.test("judgeNodes() reports a replica that stays behind, and none that catches up or is another's", () => {
  const behind = { replicas: [{ name: "node3", current: false, lag: 42 }] };
  const [problem, ...others] = problemsOf(behind, 3);
  assertMatch(problem, /^fault nodes .*LOTTERY_12345678_0 on node3 \(42 operations behind\)/);
  assertEquals(others, []);
  const looks = [behind, behind, { replicas: [{ name: "node3", current: true }] }];
  assertEquals(problems(looks.map((changes) => [node(1), node(2, changes), node(3)])), []);
  assertEquals(problemsOf({ ...behind, streamName: "ORDERS" }, 3), []);
  const elsewhere = { replicas: [{ name: "node1", current: true }], streamLeader: "node9" };
  assertMatch(problemsOf(elsewhere)[0], /^fault nodes no node that was asked leads LOTTERY_/);
  const offline = { replicas: [{ name: "node3", current: false, offline: true }] };
  assertMatch(problemsOf(offline, 3)[0], /LOTTERY_12345678_0 on node3 \(offline\)/);
});

Deno.test({
  ...needs(
    ["run", "write", "net", "read", "env", "natsServer"],
    "checkNodes() tells a real node that syncs every write from one that does not, and from none",
  ),
  fn: async () => {
    const expected = { ...EXPECTED, replicas: 1 };
    for (const syncAlways of [true, false]) {
      await using cluster = await NatsCluster.start({ nodes: 1, syncAlways });
      const { address } = cluster.nodes[0].monitoring;
      const [node] = await checkNodes([address], expected);
      assertMatch(
        `${node.level} ${node.name} ${node.text}`,
        syncAlways
          ? /^ok node1 nats-server \S+ at \S+ syncs every write/
          : /^fault node1 .* does not sync every write/,
      );
      await cluster.nodes[0].kill();
      const [none] = await checkNodes([address], expected);
      assertMatch(
        `${none.level} ${none.text}`,
        /^fault \S+ cannot be asked \(nothing listens there\)/,
      );
    }
  },
});
