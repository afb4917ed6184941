import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { namedBatch } from "../../testing/ledgers.ts";
import type { AppendResult, Ledger } from "../ledger.ts";
import {
  AGENCIES,
  openScripted,
  ScriptedCluster,
  type ScriptedServer,
} from "./testing/scripted_cluster.ts";

/** Short, for tests that wait for the end of a call. */
const SOON_MS = 30;
const STORED: AppendResult = { status: "stored" };

async function progressOf(ledger: Ledger, agency = 1): Promise<number | "unknown"> {
  const result = await ledger.progress(agency);
  return result.status === "known" ? result.bets : result.status;
}

Deno.test("append() whose answer is lost is found in its place, and stored once", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  one.log.fates = ["answer lost", "arrives"];
  assertEquals(await one.ledger.append(namedBatch("a"), 0), STORED);
  assertEquals(cluster.kinds(1), "bets");
  const [first, second] = one.log.published;
  assertEquals(first.id, second.id, "the same append was repeated");
});

Deno.test("append() that never arrived is repeated", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster);
  one.log.fates = ["lost", "lost", "arrives"];
  assertEquals(await one.ledger.append(namedBatch("a"), 0), STORED);
  assertEquals(cluster.kinds(1), "bets");
});

Deno.test("append() in whose place another server's message is was never stored: it follows, or is refused", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster);
  await progressOf(one.ledger);
  one.log.fates = ["late"];
  one.log.onRead = cluster.deliverLate.bind(cluster);
  const [unexpecting, expecting] = [
    one.ledger.append(namedBatch("a")),
    one.ledger.append(namedBatch("c"), 2),
  ];
  assertEquals(await two.ledger.append(namedBatch("b")), STORED);
  assertEquals(await unexpecting, STORED);
  assertEquals((await expecting).status, "refused");
  assertEquals(cluster.kinds(1), "mark bets bets");
  assertEquals(await progressOf(two.ledger), 4);
});

Deno.test("append() without an answer is unknown, and counts if it is stored late", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { deadlineMs: SOON_MS });
  await using two = openScripted(cluster);
  one.log.fates = ["late"];
  one.log.usualFate = "lost";
  assertEquals((await one.ledger.append(namedBatch("a"), 0)).status, "unknown");
  one.log.usualFate = "arrives";
  cluster.deliverLate();
  for (const { ledger } of [two, one]) {
    assertEquals(await progressOf(ledger), 2);
    assertEquals((await ledger.append(namedBatch("a"), 0)).status, "refused");
  }
  assertEquals(cluster.of(1).filter(({ kind }) => kind === "bets").length, 1);
});

Deno.test("progress() after an unknown append decides it: it can never be stored after the answer", async () => {
  for (const asked of ["the same server", "another server"]) {
    const cluster = new ScriptedCluster();
    await using one = openScripted(cluster, { deadlineMs: SOON_MS });
    await using two = openScripted(cluster);
    one.log.fates = ["late"];
    one.log.usualFate = "lost";
    assertEquals((await one.ledger.append(namedBatch("a"), 0)).status, "unknown");
    one.log.usualFate = "arrives";
    const { ledger } = asked === "the same server" ? one : two;
    assertEquals(await progressOf(ledger), 0, asked);
    cluster.deliverLate();
    assertEquals(await ledger.append(namedBatch("b"), 0), STORED, asked);
    assertEquals(cluster.kinds(1), "mark bets", asked);
  }
});

Deno.test("append() after an unknown one follows it, or takes its place", async () => {
  for (const isLate of [false, true]) {
    const cluster = new ScriptedCluster();
    await using one = openScripted(cluster, { deadlineMs: SOON_MS });
    one.log.fates = [isLate ? "late" : "answer lost"];
    one.log.usualFate = "lost";
    one.log.isDeaf = true;
    const { ledger } = one;
    const first = ledger.append(namedBatch("a"));
    one.log.isDeaf = false;
    assertEquals((await first).status, "unknown");
    one.log.usualFate = "arrives";
    assertEquals(await ledger.append(namedBatch("b")), STORED);
    cluster.deliverLate();
    assertEquals(cluster.kinds(1), isLate ? "bets" : "bets bets");
    assertEquals(await progressOf(ledger), isLate ? 2 : 4);
  }
});

Deno.test("append() that is refused while its first attempt is in process is not given up", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await progressOf(one.ledger);
  // The first attempt is proposed, but not stored: nothing is in its place when the second is refused.
  one.log.fates = ["late", "mismatch", "mismatch"];
  let reads = 0;
  one.log.onRead = () => {
    if (++reads === 2) cluster.deliverLate();
  };
  assertEquals(await one.ledger.append(namedBatch("a"), 0), STORED);
  assertEquals(cluster.kinds(1), "mark bets");
});

Deno.test("append() is not doubled if the follower sees it while its place cannot be read", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster);
  await progressOf(one.ledger);
  one.log.fates = ["answer lost"];
  let reads = 0;
  one.log.isDeaf = true;
  one.log.onRead = () => one.log.isDeaf = ++reads < 4;
  assertEquals(await one.ledger.append(namedBatch("a")), STORED);
  assertEquals(cluster.kinds(1), "mark bets");
});

Deno.test("append() is not doubled if another server's message follows it before it is found", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster);
  await progressOf(one.ledger);
  one.log.fates = ["answer lost", "lost"];
  const appending = one.ledger.append(namedBatch("a"));
  assertEquals(await two.ledger.append(namedBatch("b")), STORED);
  assertEquals(await appending, STORED);
  assertEquals(cluster.kinds(1), "mark bets bets");
});

Deno.test("append() is not doubled if the follower sees it while reads are stale", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster);
  await progressOf(one.ledger);
  one.log.fates = ["answer lost"];
  one.log.readable = 1;
  let reads = 0;
  one.log.onRead = () => one.log.readable = ++reads < 4 ? 1 : Infinity;
  assertEquals(await one.ledger.append(namedBatch("a")), STORED);
  assertEquals(cluster.kinds(1), "mark bets");
});

Deno.test("append() does not go back to what a follower that lags has seen", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  for (const name of ["a", "b", "c"]) {
    assertEquals(await one.ledger.append(namedBatch(name)), STORED);
  }
  one.log.release(1);
  assertEquals(await one.ledger.append(namedBatch("d")), STORED);
  assertEquals(one.log.published.length, 4);
});

Deno.test("append() on several servers of one agency: each reads what came in between", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster, { isHeld: true });
  const results = await Promise.all(
    Array.from(
      { length: 20 },
      (_, index) => (index % 2 === 0 ? one : two).ledger.append(namedBatch(`b${index}`)),
    ),
  );
  assertEquals(results, results.map(() => STORED));
  assertEquals(cluster.of(1).map(({ bets }) => bets), results.map((_, index) => 2 * index + 2));
});

Deno.test("append() is refused after another server's close, also one that was under way", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster);
  assertEquals(await one.ledger.append(namedBatch("a")), STORED);
  one.log.fates = ["late", "lost"];
  const underWay = one.ledger.append(namedBatch("late"));
  assertEquals(await two.ledger.close(1), { status: "closed", repeated: false });
  cluster.deliverLate();
  assertEquals((await underWay).status, "refused");
  assertEquals((await one.ledger.append(namedBatch("later"), 2)).status, "refused");
  assertEquals(await one.ledger.close(1), { status: "closed", repeated: true });
  assertEquals(cluster.kinds(1), "bets close");
});

Deno.test("close() whose answer is lost is found in its place, and is not a repeated one", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  one.log.fates = ["answer lost"];
  assertEquals(await one.ledger.close(1), { status: "closed", repeated: false });
  assertEquals(cluster.kinds(1), "close");
});

Deno.test("append() and progress() believe no stale read", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true, deadlineMs: SOON_MS });
  await using two = openScripted(cluster);
  assertEquals(await two.ledger.append(namedBatch("a"), 0), STORED);
  // As from a leader that does not know yet that it was deposed.
  one.log.readable = 0;
  assertEquals(await progressOf(one.ledger), "unknown");
  assertEquals((await one.ledger.append(namedBatch("b"), 2)).status, "unknown");
  assertEquals((await one.ledger.close(1)).status, "unknown");
  assertEquals((await one.ledger.append(namedBatch("b"), 0)).status, "unknown");
  assertEquals(await one.ledger.draw(), undefined);
  one.log.readable = Infinity;
  assertEquals(await progressOf(one.ledger), 2);
  assertEquals(await one.ledger.append(namedBatch("b"), 2), STORED);
  assertEquals(cluster.of(1).at(-1)?.bets, 4);
});

Deno.test("append() with too few known bets appends a mark before it is refused", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster);
  assertEquals(await one.ledger.append(namedBatch("a"), 0), STORED);
  assertEquals((await one.ledger.append(namedBatch("b"), 4)).status, "refused");
  assertEquals((await one.ledger.append(namedBatch("b"), 0)).status, "refused");
  assertEquals(cluster.kinds(1), "bets mark");
});

Deno.test("progress() shares marks among all who ask, and needs none after an append or a close", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster);
  const asked = Array.from({ length: 500 }, () => progressOf(one.ledger));
  assertEquals(new Set(await Promise.all(asked)), new Set([0]));
  assertEquals(cluster.kinds(1), "mark");
  const appending = one.ledger.append(namedBatch("a"));
  const during = [progressOf(one.ledger), progressOf(one.ledger)];
  assertEquals(await appending, STORED);
  assertEquals(await Promise.all(during), [2, 2]);
  assertEquals(await one.ledger.close(1), { status: "closed", repeated: false });
  for (let time = 0; time < 50; time++) assertEquals(await progressOf(one.ledger), 2);
  assertEquals(cluster.kinds(1), "mark bets close");
});

Deno.test("progress() is not answered by a message that was under way before the question", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster);
  await progressOf(one.ledger);
  // The mark is stored; before its answer arrives, another server stores bets, and then somebody asks here.
  const asked: Promise<number | "unknown">[] = [];
  const publish = one.log.publish.bind(one.log);
  one.log.publish = async (...parameters) => {
    const result = await publish(...parameters);
    one.log.publish = publish;
    assertEquals(await two.ledger.append(namedBatch("a")), STORED);
    asked.push(progressOf(one.ledger));
    return result;
  };
  assertEquals(await progressOf(one.ledger), 0);
  assertEquals(await asked[0], 2);
});

Deno.test("draw() and digest() wait for a follower that lags", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster);
  assertEquals(await two.ledger.append(namedBatch("a")), STORED);
  const digest = one.ledger.digest(1);
  for (let agency = 1; agency <= AGENCIES; agency++) await two.ledger.close(agency);
  const draw = one.ledger.draw();
  one.log.release();
  assertEquals(await digest, await two.ledger.digest(1));
  assert(await draw !== undefined);
});

Deno.test("draw() throws if it cannot be read whether every agency has closed, and is asked again", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true });
  await using two = openScripted(cluster);
  for (let agency = 1; agency <= AGENCIES; agency++) await two.ledger.close(agency);
  one.log.isDeaf = true;
  await assertRejects(() => one.ledger.draw(), Error, "whether agency 1 has closed: no leader");
  one.log.isDeaf = false;
  one.log.release();
  assert(await one.ledger.draw() !== undefined);
});

Deno.test("digest() of bets that are not followed in time is unknown", async () => {
  const cluster = new ScriptedCluster();
  await using one = openScripted(cluster, { isHeld: true, deadlineMs: SOON_MS });
  assertEquals(await one.ledger.append(namedBatch("a")), STORED);
  assertEquals((await one.ledger.digest(1)).status, "unknown");
});

Deno.test("a message that no server can have written ends the ledger, and no other one is read", async () => {
  const rows = namedBatch("a").bytes as Uint8Array<ArrayBuffer>;
  const id = crypto.randomUUID();
  const cases: { what: string; foreign: [number, string, number, Uint8Array<ArrayBuffer>][] }[] = [
    { what: "1 has 2 bets up to it, but it says 3", foreign: [[1, "bets", 3, rows]] },
    { what: "2 has 0 bets up to it, but it says 2", foreign: [[2, "bets", 2, rows]] },
    { what: "it says 1", foreign: [[1, "mark", 1, new Uint8Array()]] },
    { what: "there is no agency 4", foreign: [[4, "mark", 0, new Uint8Array()]] },
    {
      what: "agency 1 has closed before it",
      foreign: [[1, "close", 0, new Uint8Array()], [1, "bets", 2, rows]],
    },
    { what: "not a valid bet", foreign: [[1, "bets", 1, new TextEncoder().encode("1,Ana\n")]] },
  ];
  for (const { what, foreign } of cases) {
    const cluster = new ScriptedCluster();
    await using one = openScripted(cluster);
    for (const [agency, kind, bets, rows] of foreign) {
      const last = cluster.of(agency).at(-1)?.sequence ?? 0;
      cluster.store(agency, { id, kind: kind as "bets", bets, rows }, last);
    }
    const { message } = await one.ledger.failed;
    assertStringIncludes(message, what);
    assertStringIncludes(message, `Message ${foreign.length} of stream SCRIPTED`);
    assertEquals((await one.ledger.append(namedBatch("b"))).status, "unknown");
    assertEquals(await progressOf(one.ledger), "unknown");
  }
});

Deno.test("dispose gives calls without an answer little time", async () => {
  const cluster = new ScriptedCluster();
  const one = openScripted(cluster);
  one.log.usualFate = "lost";
  const calls = [one.ledger.append(namedBatch("a")), one.ledger.close(2), one.ledger.progress(3)];
  await one.ledger[Symbol.asyncDispose]();
  for (const call of calls) assertEquals((await call).status, "unknown");
  assertEquals((await one.ledger.append(namedBatch("b"))).status, "unknown");
});

Deno.test("append() waits in the server while as many messages as may be are on their way", async () => {
  const cluster = new ScriptedCluster();
  await using server = openScripted(cluster, { publishesAtOnce: 1 });
  const { ledger, log } = server;
  const { promise, resolve } = Promise.withResolvers<void>();
  log.gate = promise;
  const appends = [1, 2, 3].map((agency) => ledger.append({ ...namedBatch("a"), agency }, 0));
  await sent(log, 1);
  resolve();
  assertEquals(await Promise.all(appends), [STORED, STORED, STORED]);
  assertEquals(
    cluster.messages.map(({ agency }) => agency),
    [1, 2, 3],
    "in the order of the calls",
  );
});

Deno.test("append() that cannot be sent in time says so, and is never sent", async () => {
  const cluster = new ScriptedCluster();
  await using server = openScripted(cluster, { publishesAtOnce: 1, deadlineMs: SOON_MS });
  const { ledger, log } = server;
  const { promise, resolve } = Promise.withResolvers<void>();
  log.gate = promise;
  const first = ledger.append(namedBatch("a"), 0);
  const second = await ledger.append({ ...namedBatch("b"), agency: 2 }, 0);
  assert(second.status === "unknown");
  assertStringIncludes(second.reason, "agency 2: it was not sent in time");
  assertEquals((await first).status, "unknown");
  resolve();
  // It would be sent before this one.
  assertEquals(await ledger.append({ ...namedBatch("c"), agency: 3 }, 0), STORED);
  assertEquals(cluster.of(2), []);
});

/** Waits until a server has sent all that it may, and makes sure that it was this much. */
async function sent({ published }: ScriptedServer["log"], count: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(published.length, count);
}
