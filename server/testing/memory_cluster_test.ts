import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import type { LogMessage, PublishResult } from "../ledger/jetstream/replicated_log.ts";
import { Random } from "../../testing/random.ts";
import { MemoryCluster } from "./memory_cluster.ts";

/** Longer than every attempt, delay and election of these tests. */
const LONG_MS = 60_000;
const ELECTION_MS = 5000;

/** An agency, and another one of the same stream. */
const [AGENCY, NEIGHBOUR] = [1, 5];

function messageOf(id: string): LogMessage {
  return { id, kind: "bets", bets: 1, rows: new TextEncoder().encode(`${id}\n`) };
}

function idsOf(cluster: MemoryCluster, agency = AGENCY): string[] {
  return cluster.messages(agency).map(({ id }) => id);
}

/** Lets a time pass; returns what `work` has become by then. */
async function after<Result>(time: FakeTime, timeMs: number, work: Promise<Result>) {
  void work.catch(() => {});
  await time.tickAsync(timeMs);
  return await work;
}

Deno.test("MemoryLog.publish() stores a message if the last sequence is the expected one", async () => {
  using time = new FakeTime();
  using cluster = new MemoryCluster();
  await using log = cluster.connect();
  const publish = (id: string, expected: number, agency = AGENCY) =>
    after(time, 100, log.publish(agency, messageOf(id), expected));
  assertEquals(await publish("a", 0), { status: "stored", sequence: 1 });
  assertEquals(await publish("b", 0), { status: "mismatch" });
  assertEquals(await publish("n", 0, NEIGHBOUR), { status: "stored", sequence: 2 });
  assertEquals(await publish("c", 1), { status: "stored", sequence: 3 });
  assertEquals(idsOf(cluster), ["a", "c"]);
  assertEquals((await after(time, 100, log.last(AGENCY)))?.id, "c");
  assertEquals((await after(time, 100, log.after(AGENCY, 1)))?.sequence, 3);
  assertEquals(await after(time, 100, log.after(AGENCY, 3)), undefined);
});

Deno.test("MemoryLog.publish() stores one of several that race", async () => {
  using time = new FakeTime();
  for (let seed = 1; seed <= 100; seed++) {
    using cluster = new MemoryCluster({ random: new Random(seed) });
    await using log = cluster.connect();
    const racing = ["a", "b", "c"].map((id) => log.publish(AGENCY, messageOf(id), 0));
    const results = await after(time, LONG_MS, Promise.all(racing));
    assertEquals(results.filter(({ status }) => status === "stored").length, 1);
    assertEquals(cluster.messages(AGENCY).length, 1);
  }
});

Deno.test("MemoryLog.publish() cannot know whether a message without an answer is stored", async () => {
  using time = new FakeTime();
  for (const transit of ["publish", "publish answer"]) {
    using cluster = new MemoryCluster();
    await using log = cluster.connect();
    cluster.fate = ({ kind }) => kind === transit ? "lost" : "arrives";
    const result = await after(time, LONG_MS, log.publish(AGENCY, messageOf("a"), 0));
    assertEquals(result.status, "unknown");
    assertEquals(idsOf(cluster), transit === "publish answer" ? ["a"] : []);
  }
});

Deno.test("a late publish is stored after its client has gone, unless its sequence is taken", async () => {
  using time = new FakeTime();
  for (const isTaken of [false, true]) {
    using cluster = new MemoryCluster();
    const log = cluster.connect();
    cluster.fate = () => "late";
    const publishing = log.publish(AGENCY, messageOf("late"), 0);
    log.kill();
    assertEquals((await publishing).status, "unknown");
    cluster.fate = () => "arrives";
    await using other = cluster.connect();
    if (isTaken) await after(time, 10, other.publish(AGENCY, messageOf("other"), 0));
    await time.tickAsync(LONG_MS);
    assertEquals(idsOf(cluster), isTaken ? ["other"] : ["late"]);
  }
});

Deno.test("an election keeps what is stored, and a first part of what was proposed", async () => {
  using time = new FakeTime();
  const seen = new Set<string>();
  for (let seed = 1; seed <= 200; seed++) {
    using cluster = new MemoryCluster({ random: new Random(seed) });
    await using log = cluster.connect();
    await after(time, 100, log.publish(AGENCY, messageOf("stored"), 0));
    const publishing = [AGENCY, NEIGHBOUR].map((agency) =>
      log.publish(agency, messageOf("proposed"), agency === AGENCY ? 1 : 0)
    );
    await time.tickAsync(3);
    cluster.loseMajority(ELECTION_MS);
    const results = await after(time, LONG_MS, Promise.all(publishing));
    assertEquals(idsOf(cluster)[0], "stored");
    const stored = [AGENCY, NEIGHBOUR].map((agency) => idsOf(cluster, agency).includes("proposed"));
    results.forEach(({ status }, index) => assert(status !== "stored" || stored[index]));
    seen.add(`${results[0].status} ${stored[0]}`);
  }
  assert(seen.has("unknown true") && seen.has("unknown false"), [...seen].join());
});

Deno.test("a deposed leader answers from an older state, and refuses what it does not know", async () => {
  using time = new FakeTime();
  const read = new Set<string | undefined>();
  const published = new Set<string>();
  for (let seed = 1; seed <= 200; seed++) {
    using cluster = new MemoryCluster({ random: new Random(seed) });
    await using log = cluster.connect();
    cluster.loseMajority(1);
    await time.tickAsync(1);
    void log.publish(AGENCY, messageOf("new"), 0);
    await time.tickAsync(8);
    if (idsOf(cluster).length === 0) continue;
    read.add((await after(time, 8, log.last(AGENCY)))?.id);
    const result: PublishResult = await after(
      time,
      LONG_MS,
      log.publish(AGENCY, messageOf("next"), 1),
    );
    published.add(`${result.status}: ${idsOf(cluster)}`);
  }
  assertEquals(read, new Set(["new", undefined]));
  assert(published.has("mismatch: new"), [...published].join("; "));
  assert(published.has("stored: new,next"), [...published].join("; "));
});

Deno.test("MemoryLog.follow() delivers every message of each stream once, in order", async () => {
  using time = new FakeTime();
  using cluster = new MemoryCluster();
  await using log = cluster.connect();
  const delivered: Record<string, string[]> = {};
  await using _follow = log.follow((messages) => {
    for (const { id, stream } of messages) (delivered[stream] ??= []).push(id);
  });
  for (let index = 0; index < 40; index++) {
    const agency = 1 + index % 3;
    const expected = cluster.messages(agency).at(-1)?.sequence ?? 0;
    if (index === 20) log.cut(50);
    await after(time, LONG_MS, log.publish(agency, messageOf(`m${index}`), expected));
  }
  await time.tickAsync(LONG_MS);
  for (const { name, messages } of cluster.streams) {
    assertEquals(delivered[name] ?? [], messages.map(({ id }) => id));
  }
});
