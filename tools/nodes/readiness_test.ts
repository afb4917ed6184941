import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TaskError } from "../project.ts";
import { type Health, type JetStreamStatus, Monitoring, type NodeStatus } from "./monitoring.ts";
import { isAnyRunning, untilReady } from "./readiness.ts";

const OK: Health = { status: "ok" };
const SICK: Health = { status: "unavailable", error: "no meta leader" };
const SILENT = new Monitoring("127.0.0.1:1");

/** A monitoring port, and what it answers; it may be changed. */
class FakeNode implements AsyncDisposable {
  health: Health;
  jetStream: JetStreamStatus = {};
  readonly monitoring: Monitoring;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ health = OK, tags }: { health?: Health; tags?: string[] } = {}) {
    this.health = health;
    const varz: Partial<NodeStatus> = { server_name: "node1", jetstream: {}, tags };
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, ({ url }) => {
      const { pathname } = new URL(url);
      if (pathname === "/healthz") {
        return Response.json(this.health, { status: this.health.status === "ok" ? 200 : 503 });
      }
      return Response.json(pathname === "/jsz" ? this.jetStream : varz);
    });
    this.monitoring = new Monitoring(`127.0.0.1:${this.#server.addr.port}`);
  }

  /** Lets it lead the cluster, and hear these nodes. */
  leads(name: string, hears: string[]): void {
    const replicas = hears.map((name) => ({ name, current: true, active: 1 }));
    this.jetStream = { meta_cluster: { leader: name, replicas } };
  }

  /** Lets it have this many messages. */
  stores(messages: number): void {
    const config = { name: "A", num_replicas: 3, storage: "file" };
    const stream = { name: "A", config, state: { messages, bytes: 0 } };
    this.jetStream = { account_details: [{ name: "$G", stream_detail: [stream] }] };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

function neverRestart(name: string): Promise<never> {
  return Promise.reject(new Error(`${name} was started again`));
}

Deno.test("untilReady() waits until every node is healthy", async () => {
  await using one = new FakeNode();
  await using two = new FakeNode({ health: SICK });
  one.leads("node1", ["node2"]);
  const reasons: string[] = [];
  await untilReady(new Map([["node1", one.monitoring], ["node2", two.monitoring]]), {
    onWait: (reason) => {
      reasons.push(reason);
      two.health = OK;
    },
    restart: neverRestart,
  });
  assertEquals(reasons, ["node2: no meta leader"]);
});

Deno.test("untilReady() starts a node again that the leader does not hear, although it is healthy", async () => {
  await using one = new FakeNode();
  await using two = new FakeNode();
  one.leads("node1", []);
  const restarts: string[][] = [];
  await untilReady(new Map([["node1", one.monitoring], ["node2", two.monitoring]]), {
    standstillMs: 0,
    restart: (...restart) => {
      restarts.push(restart);
      one.leads("node1", ["node2"]);
      return Promise.resolve();
    },
  });
  assertEquals(restarts, [["node2", "the leader, node1, does not hear it"]]);
});

Deno.test("untilReady() leaves a node alone that catches up", async () => {
  await using one = new FakeNode();
  await using two = new FakeNode({ health: SICK });
  one.leads("node1", ["node2"]);
  let messages = 0;
  const health = two.monitoring.health.bind(two.monitoring);
  two.monitoring.health = () => {
    two.stores(++messages);
    if (messages === 5) two.health = OK;
    return health();
  };
  await untilReady(new Map([["node1", one.monitoring], ["node2", two.monitoring]]), {
    standstillMs: 0,
    restart: neverRestart,
  });
});

Deno.test("untilReady() says what each node is waiting for when it gives up, and stops when asked", async () => {
  await using one = new FakeNode();
  await using two = new FakeNode({ health: SICK });
  const nodes = new Map([
    ["node1", one.monitoring],
    ["node2", two.monitoring],
    ["node3", SILENT],
  ]);
  const error = await assertRejects(
    () => untilReady(nodes, { timeoutMs: 0, restart: neverRestart }),
    TaskError,
  );
  assertStringIncludes(
    error.message,
    "node1: no node leads the cluster; node2: no meta leader; node3: nothing listens there",
  );
  const stop = AbortSignal.abort();
  await untilReady(nodes, { stop, timeoutMs: 0, restart: neverRestart });
});

Deno.test("isAnyRunning() knows the nodes of a checkout by their tag, and refuses those of others", async () => {
  await using ours = new FakeNode({ tags: ["ours"] });
  await using others = new FakeNode();
  assertEquals(await isAnyRunning(new Map([["node1", SILENT]]), "ours"), false);
  const nodes = new Map([["node1", SILENT], ["node2", ours.monitoring]]);
  assertEquals(await isAnyRunning(nodes, "ours"), true);
  nodes.set("node3", others.monitoring);
  await assertRejects(() => isAnyRunning(nodes, "ours"), TaskError, "not of this checkout, node1");
});
