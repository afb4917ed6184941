import { assertEquals, assertRejects } from "@std/assert";
import { madeReport } from "../../testing/made_report.ts";
import { needs } from "../../testing/needs.ts";
import { describeView, type LotteryView } from "./lottery_view.ts";
import { askStatus, LotteryWatch, type StatusAddress } from "./lottery_watch.ts";
import type { StatusReport } from "./report.ts";

/** The report of a server that has seen these bets; a negative number stands for a closed agency. */
function reportOf(
  seen: number[],
  { id = "a", createdAt = "2026-11-27T10:00:00.000Z", ready = true } = {},
): StatusReport {
  const agencies = seen.map((bets, index) => ({
    agency: index + 1,
    bets: Math.abs(bets),
    closed: bets < 0 || Object.is(bets, -0),
  }));
  return madeReport({
    server: {
      port: 12345,
      reason: ready ? null : "the disk is full",
      startedAt: createdAt,
      uptimeSeconds: 5,
    },
    connections: { served: 2, waiting: 1 },
    lottery: { id, createdAt, winningNumber: 7574 },
    agencies,
    betsStored: 70,
    syncSeconds: 0.002,
  });
}

/** Servers whose answers a test chooses: a report, or nothing for one that does not answer. */
function setUp(betsExpected?: number[]) {
  const answers = new Map<string, StatusReport | undefined>();
  let nowMs = 0;
  const watch = new LotteryWatch({
    addresses: () => Array.from(answers.keys(), (name) => ({ name, hostname: name, port: 1 })),
    betsExpected,
    ask: ({ name }: StatusAddress) => {
      const answer = answers.get(name);
      return answer === undefined ? Promise.reject(new Error("silence")) : Promise.resolve(answer);
    },
    now: () => nowMs,
    wallClock: () => nowMs,
  });
  return {
    answers,
    look: (passedMs = 1000): Promise<LotteryView> => {
      nowMs += passedMs;
      return watch.look();
    },
  };
}

Deno.test("LotteryWatch takes from each agency the most that any server has seen", async () => {
  const { answers, look } = setUp();
  answers.set("server1", reportOf([5, 9, 0]));
  answers.set("server2", reportOf([7, 4, -0]));
  const view = await look();
  assertEquals(view.agencies.map(({ bets, state }) => [bets, state]), [
    [7, "betting"],
    [9, "betting"],
    [0, "closed"],
  ]);
  assertEquals([view.bets, view.lottery!.phase, view.waitingFor], [16, "waiting", [1, 2]]);
  assertEquals(view.lottery!.winningNumber, null);
  const [server] = view.servers;
  assertEquals([server.connections, server.waiting, server.betsStored], [2, 1, 70]);
  assertEquals([server.state, server.syncSeconds, server.ready], ["serving", 0.002, true]);
});

Deno.test("LotteryWatch computes rates over the last seconds, and never a negative one", async () => {
  const { answers, look } = setUp([1000, 2000]);
  answers.set("server1", reportOf([0, 0]));
  assertEquals((await look()).betsPerSecond, null);
  answers.set("server1", reportOf([100, 50]));
  const view = await look();
  assertEquals(view.betsPerSecond, 150);
  assertEquals(view.agencies.map(({ betsPerSecond }) => betsPerSecond), [100, 50]);
  assertEquals([view.betsExpected, view.agencies[1].betsExpected], [3000, 2000]);
  // Long after that the first second no longer counts.
  for (let second = 0; second < 10; second++) await look();
  assertEquals((await look()).betsPerSecond, 0);
  answers.set("server1", reportOf([90, 50]));
  assertEquals((await look()).betsPerSecond, 0);
});

Deno.test("LotteryWatch computes no rate before the first bet, and none that includes the time before it", async () => {
  const { answers, look } = setUp([1000]);
  answers.set("server1", reportOf([0]));
  for (let second = 0; second < 3; second++) assertEquals((await look()).betsPerSecond, null);
  answers.set("server1", reportOf([300]));
  assertEquals((await look()).betsPerSecond, 300);
});

Deno.test("LotteryWatch says since when a server is silent or gone, and keeps what was seen", async () => {
  const { answers, look } = setUp();
  answers.set("server1", reportOf([5]));
  answers.set("server2", reportOf([5]));
  await look();
  answers.set("server2", undefined);
  const silentSince = new Date(2000).toISOString();
  const stateOf = async () => {
    const { bets, servers } = await look();
    return [bets, ...servers.map(({ state }) => state), servers[1].since];
  };
  assertEquals(await stateOf(), [5, "serving", "silent", silentSince]);
  assertEquals(await stateOf(), [5, "serving", "silent", silentSince]);
  answers.delete("server2");
  assertEquals(await stateOf(), [5, "serving", "gone", new Date(4000).toISOString()]);
  answers.set("server1", undefined);
  answers.set("server2", reportOf([8]));
  const back = await stateOf();
  assertEquals(back, [8, "silent", "serving", new Date(5000).toISOString()]);
  answers.set("server2", undefined);
  const view = await look();
  assertEquals([view.bets, describeView(view)], [
    8,
    "Bets are open: 8 bets stored; no server answers",
  ]);
});

Deno.test("LotteryWatch follows the servers to the next lottery, and mixes no counts", async () => {
  const { answers, look } = setUp();
  answers.set("server1", reportOf([-900]));
  answers.set("server2", reportOf([-900]));
  assertEquals((await look()).lottery!.winningNumber, 7574);
  answers.set("server2", reportOf([3], { id: "b", createdAt: "2026-11-28T10:00:00.000Z" }));
  const view = await look();
  assertEquals([view.bets, view.lottery!.id, view.lottery!.phase], [3, "b", "betting"]);
  assertEquals(view.betsPerSecond, null);
});

Deno.test("describeView() says the phase in words", async () => {
  const { answers, look } = setUp([30_000, 20_000, 10_000]);
  const words = async (report: StatusReport | undefined) => {
    answers.set("server1", report);
    return describeView(await look());
  };
  assertEquals(await words(undefined), "No server answers");
  assertEquals(await words({ ...reportOf([]), lottery: null }), "The servers are starting");
  assertEquals(
    await words(reportOf([20_000, 8_000, 0])),
    "Bets are open: 28,000 of 60,000 bets stored",
  );
  assertEquals(
    await words(reportOf([20_000, -20_000, 0])),
    "The draw waits for agencies 1 and 3: 40,000 of 60,000 bets stored, 1 of 3 agencies closed",
  );
  assertEquals(
    await words(reportOf([-30_000, -20_000, -10_000])),
    "Drawn: number 7574, 60,000 of 60,000 bets stored",
  );
  const many = Array.from({ length: 40 }, (_, index) => index === 7 ? -1 : 1);
  answers.set("server1", reportOf(many, { id: "b", createdAt: "2027-01-01T00:00:00.000Z" }));
  assertEquals(
    describeView(await look()).split(":")[0],
    "The draw waits for agencies 1, 2, 3, 4, 5, 6 and 33 others",
  );
});

Deno.test({
  ...needs(["net"], "askStatus() refuses what is not a report of its version"),
  fn: async () => {
    const answers = ['{"version":2}', "no JSON", JSON.stringify(reportOf([1]))];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(answers.shift()),
    );
    const address = { name: "server1", hostname: "127.0.0.1", port: server.addr.port };
    await assertRejects(() => askStatus(address), Error, "has version 2");
    await assertRejects(() => askStatus(address), SyntaxError);
    assertEquals((await askStatus(address)).lottery!.bets, 1);
  },
});
