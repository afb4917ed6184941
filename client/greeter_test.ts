// How an agency finds a server that works: greeter.ts and servers.ts, tested through Agency.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { RefusedError } from "./progress_knowledge.ts";
import { UnreachableError } from "./retry.ts";
import { FakeLottery } from "./testing/fake_lottery.ts";
import type { Handler } from "./testing/fake_network.ts";
import {
  acceptAsLegacy,
  agencyBets,
  BETS,
  LIMITS,
  onNth,
  setUpAgency,
} from "./testing/set_up_agency.ts";

const ADDRESSES = Array.from({ length: 8 }, (_, index) => `10.0.0.${index + 1}`);
/** The address that comes last: the "random" first one is the fifth. */
const LAST = ADDRESSES[3];
const silent: Handler = () => "silence";
const closing: Handler = () => "close";

/** Advances time in small steps until `work` has ended. Returns the time it took. */
async function elapse(time: FakeTime, work: Promise<unknown>): Promise<number> {
  let isOver = false;
  const ended = work.finally(() => isOver = true).catch(() => {});
  const startMs = Date.now();
  while (!isOver) await time.tickAsync(50);
  await ended;
  return Date.now() - startMs;
}

Deno.test("Agency.run() works with the one of eight servers that answers, without waiting for the others", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  lottery.winners = "7";
  const { agency, servers, network, lines } = setUpAgency(lottery, {
    addresses: ADDRESSES,
    accept: (hostname) => hostname === LAST ? lottery.accept() : silent,
  });
  using _ = servers;
  const running = agency.run(agencyBets(), LIMITS);
  const timeMs = await elapse(time, running);
  assertEquals(await running, ["7"]);
  assert(timeMs <= 7 * 250 + 100, `it took ${timeMs} ms`);
  assertEquals(lottery.bets, BETS);
  assertEquals(lottery.packets.filter((packet) => packet.startsWith("Store")).length, 4);
  assertEquals(network.dialed.length, 8);
  assertEquals(network.openConnections, 1, "losers are closed");
  const slow = lines.filter((line) => line.includes("connect | result: fail"));
  assertEquals(slow.length, 7);
  assert(
    slow.every((line) => line.startsWith("DEBUG") && line.includes("another server was faster")),
  );
});

Deno.test("Agency.run() starts with the server that answered last when it reconnects", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  lottery.intercept = onNth("StoreBatch", 2, () => "reset");
  const { agency, servers, network } = setUpAgency(lottery, {
    addresses: ADDRESSES,
    accept: (hostname) => hostname === LAST ? lottery.accept() : silent,
  });
  using _ = servers;
  await elapse(time, agency.run(agencyBets(), LIMITS));
  assertEquals(lottery.bets, BETS);
  assertEquals(network.dialed.length, 9);
  assertEquals(network.dialed.at(-1), LAST);
});

Deno.test("Agency.run() leaves a server that greets but stores nothing", async () => {
  const lottery = new FakeLottery();
  const broken = (): Handler => {
    const handle = lottery.accept();
    return (packet) => {
      if (!packet.startsWith("Store")) return handle(packet);
      // Longer than all retries together: but there is a server that was not tried.
      advance(3_600_000);
      return "reset";
    };
  };
  const { agency, servers, advance } = setUpAgency(lottery, {
    addresses: ADDRESSES.slice(0, 3),
    accept: (hostname) => hostname === ADDRESSES[0] ? lottery.accept() : broken(),
  });
  using _ = servers;
  await agency.run(agencyBets(), LIMITS);
  assertEquals(lottery.bets, BETS);
});

Deno.test("Agency.run() leaves such a server for one that did not answer earlier", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  let connections = 0;
  const broken: Handler = (packet) =>
    packet.startsWith("Store") ? "reset" : { answer: "ProgressResponse:0\n" };
  const { agency, servers } = setUpAgency(lottery, {
    addresses: ADDRESSES.slice(0, 2),
    accept: (hostname) => {
      if (hostname === ADDRESSES[0]) return broken;
      return ++connections === 1 ? silent : lottery.accept();
    },
  });
  using _ = servers;
  await elapse(time, agency.run(agencyBets(), LIMITS));
  assertEquals(lottery.bets, BETS);
});

Deno.test("Agency.run() sends a batch on one connection only, however slow its answer is", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  let isSlow = true;
  const { agency, servers, network } = setUpAgency(lottery, {
    addresses: ADDRESSES,
    beforeRead: async () => {
      const isStoring = lottery.packets.at(-1)?.startsWith("StoreBatch");
      if (isStoring && isSlow) await new Promise((resolve) => setTimeout(resolve, 5000));
      isSlow &&= !isStoring;
    },
  });
  using _ = servers;
  await elapse(time, agency.run(agencyBets(), LIMITS));
  assertEquals(lottery.bets, BETS);
  assertEquals(network.dialed.length, 1);
});

Deno.test("Agency.progress() gives up only after every address had its turn", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 4);
  const { agency, servers, advance } = setUpAgency(lottery, {
    addresses: ADDRESSES,
    accept: (hostname) => hostname === LAST ? lottery.accept() : silent,
    // An hour passes before each server is found to be silent.
    onSilence: () => advance(3_600_000),
  });
  using _ = servers;
  await elapse(time, agency.progress());
  assertEquals(await agency.progress(), 4);
});

Deno.test("Agency.progress() fails when no address answers", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  const { agency, servers, network, advance } = setUpAgency(lottery, {
    addresses: ADDRESSES,
    accept: () => silent,
    onSilence: () => advance(3_600_000),
  });
  using _ = servers;
  const running = assertRejects(() => agency.progress(), UnreachableError);
  const timeMs = await elapse(time, running);
  assertStringIncludes((await running).message, "the server did not answer within 10 s");
  assertEquals(network.dialed.length, 16);
  assertEquals(network.openConnections, 0);
  assert(timeMs < 2 * (7 * 250 + 10_000) + 100, `it took ${timeMs} ms`);
});

Deno.test("Agency.run() takes no server for a legacy one unless the settings allow it", async () => {
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 6);
  let closes = 0;
  lottery.intercept = () => ++closes <= 40 ? "close" : undefined;
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  await agency.run(agencyBets(), LIMITS);
  assertEquals(lottery.bets, BETS);
});

Deno.test("Agency.run() names the option for legacy servers when it gives up", async () => {
  const lottery = new FakeLottery();
  const { agency, servers, lines } = setUpAgency(lottery, { accept: acceptAsLegacy(lottery) });
  using _ = servers;
  const error = await assertRejects(() => agency.run(agencyBets(), LIMITS), UnreachableError);
  assertStringIncludes(error.message, "all attempts have failed for 60 s");
  assertStringIncludes(error.message, "give --legacy-server (CLI_LEGACY_SERVER=true)");
  assertEquals(lottery.packets, []);
  assert(lines.every((line) => !line.includes("legacy")));
});

Deno.test("Agency.run() does not name that option when servers reset connections", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = () => "reset";
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const { message } = await assertRejects(() => agency.progress(), UnreachableError);
  assert(!message.includes("legacy"), message);
});

Deno.test("Agency says at once that its number is not in the lottery", async () => {
  for (const legacyServer of [false, true]) {
    const lottery = new FakeLottery();
    const { agency, servers, network, lines, pauses } = setUpAgency(lottery, {
      id: 9,
      legacyServer,
    });
    using _ = servers;
    const { message } = await assertRejects(() => agency.progress(), RefusedError);
    assertStringIncludes(message, "Cannot take part as agency 9");
    assertStringIncludes(message, "AGENCIES_AMOUNT");
    assertEquals([lines, pauses], [[], []]);
    assertEquals([network.dialed.length, network.openConnections], [4, 0]);
  }
});

Deno.test("Agency takes no stopping server, and no load balancer, for one without its number", async () => {
  for (let dead = 1; dead <= 4; dead++) {
    const lottery = new FakeLottery();
    let connections = 0;
    // Most connections end at a server that is gone.
    const accept = () => ++connections % (dead + 1) === 0 ? lottery.accept() : closing;
    const { agency, servers } = setUpAgency(lottery, { id: 5, accept });
    using _ = servers;
    assertEquals(await agency.progress(), 0);
  }
  // A server that stops after its first answer, twice.
  const lottery = new FakeLottery();
  let connections = 0;
  const accept = () => {
    const handle = lottery.accept();
    const isStopping = ++connections <= 3;
    let packets = 0;
    return (packet: string) =>
      isStopping && (connections === 1 || ++packets > 1) ? "close" : handle(packet);
  };
  const { agency, servers } = setUpAgency(lottery, { id: 5, accept });
  using _ = servers;
  assertEquals(await agency.progress(), 0);
});
